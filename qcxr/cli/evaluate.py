"""`qcxr evaluate`: the study's statistics, figures and report for predictions made anywhere."""

from __future__ import annotations

import argparse
import sys

from qcxr.cli.commands import Commands, command


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "compare predictions made anywhere: metrics, tests, figures, report"
    parser = command(commands, "evaluate", run, text)
    parser.add_argument("runs", help="CSV with columns task, head, seed, dataset, predictions, truth (paths)")
    parser.add_argument("--out", required=True, metavar="DIR", help="a new folder for the results")
    parser.add_argument(
        "--alpha", type=float, default=0.05, help="a raw p below it is called significant (default 0.05)"
    )
    parser.add_argument(
        "--bootstrap",
        type=int,
        default=2000,
        metavar="N",
        help="replicates over patients, 0 or >= 100 (default 2000)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Print the summary; what is under way goes to standard error."""
    from qcxr.analysis.evaluate import Evaluation, evaluate

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    options = Evaluation(alpha=arguments.alpha, replicates=arguments.bootstrap)
    print(evaluate(arguments.runs, arguments.out, options, say=say))
    print(f"The report is {arguments.out}/report.html")
