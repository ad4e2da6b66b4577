"""`qcxr draw`: the circuit of a head as text, as a picture, and what it costs."""

from __future__ import annotations

import argparse

from qcxr.arguments import positive
from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command
from qcxr.errors import InputError


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "draw a circuit as text, and as a PNG; or say what it costs"
    parser = command(commands, "draw", run, text)
    configfile.add(parser)
    parser.add_argument("--head", metavar="NAME", help="a head of the configuration (default: the paper's circuit)")
    parser.add_argument("--task", metavar="NAME", help="whose labels are the qubits (default: the study's first)")
    parser.add_argument("--qubits", type=positive, default=8, help="of the paper's circuit (default: 8)")
    parser.add_argument("--layers", type=positive, default=3, help="of the paper's circuit (default: 3)")
    parser.add_argument("--png", metavar="FILE")
    parser.add_argument("--cost", action="store_true", help="print what the engines cost instead of the circuit")
    parser.add_argument("--batch", type=positive, default=32, help="films of a step, for --cost (default: 32)")


def run(arguments: argparse.Namespace) -> None:
    """Print it."""
    from qcxr.circuits.portrait import Portrait

    kind, options, n_labels = _asked(arguments)
    portrait = Portrait(kind, options, n_labels)
    if arguments.png is not None or not arguments.cost:
        text = portrait.draw(png=arguments.png)
        if not arguments.cost:
            print(text)
    if arguments.cost:
        print(portrait.cost(batch=arguments.batch))


def _asked(arguments: argparse.Namespace) -> tuple[str, dict, int]:
    """Kind, options and labels of the head that is asked for; of the paper's, where none is."""
    if arguments.head is None:
        if arguments.task is not None:
            raise InputError(f"--task needs --head, whose circuit is drawn, got --task {arguments.task}; add --head")
        return "dqc", {"layers": arguments.layers}, arguments.qubits
    cfg = configfile.load(arguments)
    task = arguments.task or cfg.tasks[0]
    for name, value, allowed in (("--head", arguments.head, cfg.names), ("--task", task, cfg.tasks)):
        if value not in allowed:
            raise InputError(f"{name} must be one of {', '.join(allowed)} (the study's), got {value}")
    recipe = cfg.recipe(arguments.head)
    return recipe.kind, recipe.head_options, len(cfg.labels(task))
