"""The plug-ins in force: what the files and packages that a configuration lists under `plugins` register.

They are those of the configuration that was read last; a process has one. Nothing of them is run here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from qcxr.errors import InputError
from qcxr.study import pluginpackage
from qcxr.study.pluginfile import Registered, read

_in_force: dict[tuple[str, str], Registered] = {}
_offered: list[str] = []


def use(listed: Sequence[str], *, ours: Mapping[str, Iterable[str]] | None = None) -> None:
    """Put the plug-ins listed in force, and no others. ours: names by hook that are the package's own.

    Raises `InputError`: one line with the file and its line's number.
    """
    found: dict[tuple[str, str], Registered] = {}
    for entry in listed:
        for one in registered(entry):
            if one.name in (ours or {}).get(one.hook, ()):
                raise InputError(f"{one.where}: {one.hook} {one.name} is qcxr's own already; give it another name")
            other = found.setdefault((one.hook, one.name), one)
            if other is not one:
                raise InputError(
                    f"{one.where}: {one.hook} {one.name} is registered in {other.where} already; rename one of them"
                )
    _in_force.clear()
    _in_force.update(found)


def registered(entry: str) -> tuple[Registered, ...]:
    """All that one entry of `plugins` registers. Raises `InputError`."""
    if entry.startswith(pluginpackage.PREFIX):
        return pluginpackage.read(entry)
    if not entry.endswith(".py"):
        raise InputError(f"plugins must be Python files (mine.py) or package:NAME, got {entry}; correct plugins")
    try:
        file = Path(entry).expanduser()
    except RuntimeError:
        raise InputError(f"plugins: the home of {entry} must be known, got no such user; write the path out") from None
    return read(file, listed=entry)


def every(hook: str | None = None) -> list[Registered]:
    """What is registered by one hook, or by any, in the order of the files."""
    return [one for one in _in_force.values() if hook in (None, one.hook)]


def names(hook: str) -> list[str]:
    """The names that plug-ins give to a hook."""
    return [one.name for one in every(hook)]


def find(hook: str, name: str) -> Registered | None:
    """What a name means, if a plug-in has it."""
    return _in_force.get((hook, name))


def get(hook: str, name: str) -> Registered:
    """What a name means. Raises `InputError` if no plug-in has it."""
    if (found := find(hook, name)) is None:
        there = ", ".join(names(hook)) or "none"
        raise InputError(f"{hook} {name} must be one of a plug-in's, which are {there}; list its file under plugins")
    return found


def offer(entries: Iterable[str]) -> None:
    """Further files in which `recorded` may look: those of runs that were made elsewhere."""
    _offered[:] = entries


def recorded(hook: str, name: str, *, listed: str, digest: str) -> Registered:
    """What a run was made with, by what it recorded: from where it was, or from a file that is offered.

    Raises `InputError` if it is not there, or does not say what it said.
    """
    gone, other = "", ""
    for entry in dict.fromkeys([*_offered, listed]):
        try:
            there = registered(entry)
        except InputError as error:
            gone = gone or str(error)
            continue
        for one in there:
            if (one.hook, one.name) == (hook, name):
                if one.digest == digest:
                    return one
                other = other or f"{one.where}: {hook} {name} must be what it was (digest {digest}), got {one.digest}"
    way_out = "give the file that made this run with --plugin, put it back, or train again"
    if other:
        raise InputError(f"{other}; {way_out}")
    raise InputError(
        f"{listed} must have the {hook} {name} of this run, got {gone.partition(';')[0] or 'none'}; {way_out}"
    )
