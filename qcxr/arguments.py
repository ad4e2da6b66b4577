"""Numbers on a command line; argparse says of a bad value which option it was, and then what these say of it."""

import argparse
from collections.abc import Callable


def at_least(smallest: int) -> Callable[[str], int]:
    """What reads a whole number that is not smaller."""

    def read(text: str) -> int:
        try:
            if (number := int(text)) >= smallest:
                return number
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"must be a whole number >= {smallest}, got {text!r}")

    return read


positive = at_least(1)


def widths(text: str) -> tuple[int, ...]:
    """Numbers of qubits, each >= 1, with commas between: `8,14,19`; empty for none."""
    return tuple(positive(word) for word in text.split(",") if word)
