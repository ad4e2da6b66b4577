"""The head's circuit in other people's simulators, each in a process (and, if need be, an environment) of its own.

`python -m qcxr.bench.peers NAME CASE OUT` imports nothing of qcxr but this room's files and nothing but the peer, numpy
and the standard library: a peer whose versions clash with ours runs in its own environment, with this package on its
path.
"""
