"""What the networks' shapes have in common: read from a mapping, checked, written as plain lists and scalars."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from qcxr.errors import InputError

Config = TypeVar("Config")  # one of the classes below Shape: typing.Self is not for what beartype checks
WHERE = "set backbone.config in the config"


class Shape:
    """The shape of a network: a frozen dataclass whose fields have defaults, tuples where a file has lists."""

    @classmethod
    def from_dict(cls: type[Config], values: Mapping[str, Any], *, strict: bool = True) -> Config:
        """Read a mapping; unknown keys are refused, or ignored with strict=False (a config.json has many)."""
        known = {field.name: field.default for field in fields(cls)}  # type: ignore[arg-type]  # of a dataclass below
        unknown = sorted(set(values) - set(known))
        if strict and unknown:
            raise InputError(f"backbone.config has no key {unknown[0]!r}; allowed: {', '.join(sorted(known))}")
        given: dict[str, Any] = {key: value for key, value in values.items() if key in known}
        lists = {key for key, value in given.items() if isinstance(value, list) and isinstance(known[key], tuple)}
        return cls(**{key: tuple(value) if key in lists else value for key, value in given.items()})

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and scalars, for JSON and YAML."""
        return {key: listed(value) for key, value in asdict(self).items()}  # type: ignore[call-overload]  # as above

    def check_lists(self, *names: str) -> None:
        """Raises InputError unless each is a list or tuple of integers >= 1."""
        for name in names:
            values = getattr(self, name)
            if not isinstance(values, list | tuple) or not values or any(type(v) is not int or v < 1 for v in values):
                raise InputError(f"{name} must be a list of integers >= 1, got {listed(values)!r}; {WHERE}")

    def check_counts(self, *names: str) -> None:
        """Raises InputError unless each is an integer >= 1."""
        for name in names:
            if type(value := getattr(self, name)) is not int or value < 1:
                raise InputError(f"{name} must be an integer >= 1, got {value!r}; {WHERE}")

    def check_flags(self, *names: str) -> None:
        """Raises InputError unless each is true or false."""
        for name in names:
            if type(value := getattr(self, name)) is not bool:
                raise InputError(f"{name} must be true or false, got {value!r}; {WHERE}")

    def check_one_of(self, name: str, allowed: Iterable[str]) -> None:
        """Raises InputError unless it is one of `allowed`."""
        allowed = list(allowed)
        if (value := getattr(self, name)) not in allowed:
            raise InputError(f"{name} must be one of {', '.join(allowed)}, got {value!r}; {WHERE}")


def listed(value: Any) -> Any:
    """A tuple as the list that a file has in its place; anything else as it is."""
    return list(value) if isinstance(value, tuple) else value
