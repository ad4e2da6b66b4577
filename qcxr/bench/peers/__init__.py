"""The head's circuit and whole training steps in other people's hands, each in a process (and, if need be, an
environment) of its own.

`python -m qcxr.bench.peers KIND NAME CASE OUT` imports nothing of qcxr but this folder's files, `qcxr.errors` and
`qcxr.study.memory` (where our own networks or engines are no part of it), and nothing but the peer, numpy and the
standard library: a peer whose versions clash with ours runs in its own environment, with this package on its path.
"""
