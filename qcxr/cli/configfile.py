"""`--configfile`: the configuration that most commands read, and what they take from it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from qcxr.errors import InputError

if TYPE_CHECKING:
    from qcxr.study.config import Config
    from qcxr.study.source import Source

FIRST = "config/config.yaml"


def add(parser: argparse.ArgumentParser) -> None:
    """Give a command the option."""
    parser.add_argument(
        "--configfile",
        nargs="+",
        default=[FIRST],
        metavar="YAML",
        help=f"YAML files, each laid over the ones before (default: {FIRST})",
    )


def load(arguments: argparse.Namespace) -> Config:
    """The configuration, always laid over `config/config.yaml`, as the workflow does."""
    from qcxr.study.config import load

    return load(*files(arguments))


def files(arguments: argparse.Namespace) -> list[str]:
    """The files that it is laid together from."""
    paths: list[str] = arguments.configfile
    return paths if paths[0] == FIRST else [FIRST, *paths]


def source(cfg: Config, dataset: str) -> Source:
    """The data set of that name."""
    if dataset not in cfg.data.sources:
        known = ", ".join(cfg.data.sources)
        raise InputError(f"dataset must be one of {known}, got {dataset}; describe it under data.sources")
    return cfg.data.sources[dataset]
