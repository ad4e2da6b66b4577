"""The one exception that a user is meant to read."""


class InputError(ValueError):
    """Bad input, said in one line: what, what is allowed, what was given, the way out.

    Commands and workflow scripts print it as `error: ...` and exit with status 1; everything else is a bug and
    keeps its traceback.
    """
