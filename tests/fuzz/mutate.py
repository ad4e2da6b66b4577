"""Valid files, damaged: by flips, cuts, copies, and by what is known to hurt (huge numbers, pickles, other formats)."""

from __future__ import annotations

import pickle
import random
import re
import struct
from collections.abc import Callable, Sequence


class Told:
    """What a reader must never make of bytes: an object of ours, whose reading tells that a pickle was executed."""

    read = False

    def __reduce__(self):
        return (_tell, ())


def _tell() -> None:
    Told.read = True


PICKLES = [pickle.dumps(Told(), protocol) for protocol in (0, 2, 4)]
NUMBERS = [
    b"0",
    b"-1",
    b"255",
    b"65536",
    b"2147483648",
    b"18446744073709551615",
    b"1e999",
    b"NaN",
    b"null",
    b'""',
    b"[]",
    b"{}",
]
WORDS = [
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80",
    b"\r\n",
    b'"',
    b",",
    b"{",
    b"}",
    b"../",
    b"<script>",
    b"\xef\xbb\xbf",
]


def _flip(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    at, word = rng.randrange(len(data)), rng.choice([*WORDS, rng.randbytes(rng.randint(1, 16))])
    data[at : at + len(word)] = word


def _insert(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.choice([*WORDS, rng.randbytes(rng.randint(1, 64))])


def _cut(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice([1, 2, 4, 16, 1 << 30])]


def _again(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    first = rng.randrange(len(data))
    part = data[first : first + rng.randint(1, 256)]
    at = rng.randrange(len(data))
    data[at:at] = part


def _number(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    """Another number, or none, where a text has one; else a length of 32 or 64 bits."""
    found = [match.span() for match in re.finditer(rb"(?<![\w.])-?\d+(\.\d+)?", bytes(data[:20_000]))]
    if found and rng.random() < 0.8:
        first, last = rng.choice(found)
        data[first:last] = rng.choice(NUMBERS)
        return
    at, form = rng.randrange(len(data)), rng.choice(["<I", ">I", "<Q", "<H", ">H"])
    width = struct.calcsize(form)
    data[at : at + width] = struct.pack(form, rng.choice([0, 1, (1 << 8 * width) - 1, 1 << (8 * width - 1)]))


def _quoted(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    """A quoted text of JSON, or a cell of a table, becomes another or nothing."""
    found = [
        match.span() for match in re.finditer(rb'"[^"\\]{0,80}"|(?<=,)[^,\n"]{0,40}(?=[,\n])', bytes(data[:20_000]))
    ]
    if not found:
        return _insert(data, rng, others)
    first, last = rng.choice(found)
    there = bytes(data[slice(*rng.choice(found))])
    data[first:last] = rng.choice([there, b'""', b"0", b"null", b'"../../x"', b"[1]", b'{"a": 1}', b"", b"true"])


def _spliced(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    other = rng.choice(others)
    data[rng.randrange(len(data)) :] = other[rng.randrange(len(other) + 1) :]


WAYS: tuple[Callable[[bytearray, random.Random, Sequence[bytes]], None], ...] = (
    *(_flip, _flip, _overwrite, _insert, _cut, _again, _number, _number, _quoted, _quoted, _spliced),
)


def mutated(data: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """`data` damaged in one way or a few; now and then something else altogether."""
    if rng.random() < 0.02:
        return rng.choice([b"", b"\0", *PICKLES, *others, rng.randbytes(rng.randint(1, 200))])
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        if out:
            rng.choice(WAYS)(out, rng, others)
    return bytes(out)
