"""What `qcxr bench card` measures on a card, piece by piece: each a function of a `Size` that yields rows.

A row is a peer's of a race (`qcxr.bench.race`), or {what, value, unit, asked} with more keys for who reads the JSON; in
place of a value it may have a reason. `python -m qcxr.bench.pieces` runs one piece in a process of its own.
"""
