"""The one exception that a user is meant to read, and how it quotes what a library said."""


class InputError(ValueError):
    """Bad input, said in one line: what, what is allowed, what was given, the way out.

    Commands and workflow scripts print it as `error: ...` and exit with status 1; everything else is a bug and
    keeps its traceback.
    """


def one_line(error: BaseException, most: int | None = 160) -> str:
    """What a library's error says, in one line: its first `most` characters, or all of them."""
    return " ".join(str(error).split())[:most]
