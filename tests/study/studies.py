"""The shipped configuration with some keys changed, and what is said of it."""

from pathlib import Path

import pytest
import yaml

from qcxr.errors import InputError
from qcxr.study.config import parse

ROOT = Path(__file__).parents[2]


def study(**changes):
    """`config/config.yaml` with `a__b=value` in place of what it has at `a.b`."""
    raw = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    for key, value in changes.items():
        *parents, last = key.split("__")
        section = raw
        for parent in parents:
            section = section[parent]
        section[last] = value
    return raw


def refusal(**changes) -> str:
    """The one line that refuses it."""
    with pytest.raises(InputError) as caught:
        parse(study(**changes))
    message = str(caught.value)
    assert "\n" not in message
    return message
