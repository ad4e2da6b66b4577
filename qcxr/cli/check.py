"""`qcxr check`: the resolved configuration, and whether a study of it could start here."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command
from qcxr.errors import InputError
from qcxr.study import processor
from qcxr.study.config import Config
from qcxr.study.obstacles import obstacles

SOUND = (
    "the configuration is sound: its keys and values fit each other, its paths exist, and label files that are there "
    "have what its tasks need. Not checked: the models, which `qcxr params` builds, and what is in the films, which "
    "the first jobs read"
)


def add(commands: Commands) -> None:
    """Name the command and its words."""
    configfile.add(command(commands, "check", run, "check a configuration and its paths (params checks its models)"))


def run(arguments: argparse.Namespace) -> None:
    """Print the configuration with its defaults filled in, then the verdict on standard error."""
    import yaml

    from qcxr.study import plugged

    cfg = configfile.load(arguments)
    print(yaml.safe_dump(cfg.model_dump(mode="json"), sort_keys=False, default_flow_style=None, width=120), end="")
    for one in plugged.every():
        print(f"{one.where}: {one.hook} {one.name} (digest {one.digest})", file=sys.stderr)
    lines = {line: None for made in cfg.arms.values() for line in processor.differences(made.image, made.backbone)}
    for line in lines:
        print(f"warning: {line}; set it to null (resize and crop together) for the backbone's own", file=sys.stderr)
    if gone := obstacles(cfg):
        raise InputError(gone[0] + (f" (and {len(gone) - 1} more paths)" if len(gone) > 1 else ""))
    names = cfg.splits()
    if any(Path(file).is_file() for name in names for file in cfg.data.sources[name].input_files()):
        _look(cfg)
    print(SOUND, file=sys.stderr)


def _look(cfg: Config) -> None:
    """Say what label files tell, on standard error. Raises InputError for what a study cannot begin with."""
    # pandas, which a study without label files need not wait for
    from qcxr.data.apart import as_listed, read_listed, refuse_standing
    from qcxr.data.leaks import said
    from qcxr.training import coverage

    films = read_listed(cfg)
    for line in coverage.described(cfg, films):
        print(line, file=sys.stderr)
    found = as_listed(cfg, films)
    refuse_standing(cfg)
    leaks = [f"{said(found)}, as data.leaks allows"] if len(found) else []
    for line in [*coverage.check(cfg, films), *leaks]:
        print(f"warning: {line}", file=sys.stderr)
