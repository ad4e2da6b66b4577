"""Argument types that the benchmarks' command lines share; argparse says of a bad value which option it was."""


def positive(text: str) -> int:
    """A whole number >= 1."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def widths(text: str) -> tuple[int, ...]:
    """Numbers of qubits, each >= 1, with commas between: `8,14,19`; empty for none."""
    return tuple(positive(word) for word in text.split(",") if word)
