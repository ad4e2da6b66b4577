"""`qcxr check`: the resolved configuration, and whether a study of it could start here."""

from __future__ import annotations

import argparse
import sys

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command
from qcxr.errors import InputError
from qcxr.study import processor

SOUND = (
    "the configuration is sound: its keys and values fit each other, and its paths exist. Not checked: the models, "
    "which `qcxr params` builds, and what is in the films and label files, which the first jobs read"
)


def add(commands: Commands) -> None:
    """Name the command and its words."""
    configfile.add(command(commands, "check", run, "check a configuration and its paths (params checks its models)"))


def run(arguments: argparse.Namespace) -> None:
    """Print the configuration with its defaults filled in, then the verdict on standard error."""
    import yaml

    cfg = configfile.load(arguments)
    print(yaml.safe_dump(cfg.model_dump(mode="json"), sort_keys=False, default_flow_style=None, width=120), end="")
    lines = {line: None for made in cfg.arms.values() for line in processor.differences(made.image, made.backbone)}
    for line in lines:
        print(f"warning: {line}; set it to null (resize and crop together) for the backbone's own", file=sys.stderr)
    if gone := cfg.obstacles():
        raise InputError(gone[0] + (f" (and {len(gone) - 1} more paths)" if len(gone) > 1 else ""))
    print(SOUND, file=sys.stderr)
