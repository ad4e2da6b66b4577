"""`qcxr predict`: a trained run's probabilities for films."""

from __future__ import annotations

import argparse
import sys

from qcxr.cli.commands import Commands, command


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "print a trained run's probabilities for films (not a medical device)"
    parser = command(commands, "predict", run, text)
    parser.add_argument("weights", help="a run's best.safetensors")
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="FILE",
        help="the file that the run's head is written in, where it is not where it was trained (docs/plugins.md)",
    )
    parser.add_argument("films", nargs="+", help="PNG or JPEG chest films")


def run(arguments: argparse.Namespace) -> None:
    """Print one CSV row a film."""
    from qcxr.study import plugged
    from qcxr.training.predict import predict_films

    plugged.offer(arguments.plugin)
    table = predict_films(arguments.weights, arguments.films)
    table.to_csv(sys.stdout, index=False, float_format="%.4f")
    print("research software, not a medical device", file=sys.stderr)
