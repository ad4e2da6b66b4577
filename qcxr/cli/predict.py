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
    parser.add_argument("films", nargs="+", help="PNG or JPEG chest films")


def run(arguments: argparse.Namespace) -> None:
    """Print one CSV row a film."""
    from qcxr.training.predict import predict_films

    table = predict_films(arguments.weights, arguments.films)
    table.to_csv(sys.stdout, index=False, float_format="%.4f")
    print("research software, not a medical device", file=sys.stderr)
