"""`qcxr evaluate`: the study's statistics, figures, report and checklists for predictions made anywhere."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from qcxr.analysis.inference import ADJUSTMENTS, FAMILIES
from qcxr.cli.commands import Commands, command
from qcxr.errors import InputError

if TYPE_CHECKING:
    from qcxr.analysis.evaluation import Evaluation

KEYS = (
    "heads",
    "reference",
    "alpha",
    "inference",
    "adjust",
    "family",
    "margin",
    "power",
    "seed",
    "threads",
    "only",
)

EXAMPLE = """
The list of runs is a CSV, one row per run and test set; paths are relative to it:

  task,head,seed,dataset,predictions,truth
  cxr8,resnet,0,nih,resnet-0.csv,nih-labels.csv
  cxr8,resnet,1,nih,resnet-1.csv,nih-labels.csv
  cxr8,mine,0,nih,mine-0.csv,nih-labels.csv
  cxr8,mine,1,nih,mine-1.csv,nih-labels.csv

predictions: one column of probabilities per label, films named in image_id, id, path or the first column.
truth:       0, 1 or empty per label; patients in patient_id, subj_id, subject_id or Patient ID.
Both are joined by the films' file names, never by position. Columns that may be left out:
train_counts a CSV with columns label, n_positive: positives in training, for the long tail
variant      a name where a head has runs of several settings
groups       a CSV of each film's sex, age, view, or other texts, films named as above
A row with dataset `validation` gives a run's thresholds. cxr8, cxr14, cxr19, cxrlt26 fix the labels; a task of
another name takes the columns of its predictions.

  qcxr evaluate runs.csv --out comparison --reference resnet
  qcxr evaluate study-archive.zip --out again
"""


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "compare predictions made anywhere, or a study's archive again: metrics, tests, figures, report, checklists"
    parser = command(commands, "evaluate", run, text)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    parser.add_argument(
        "runs",
        help="the list of runs: a CSV with task, head, seed, dataset, predictions, truth; or an archive (of qcxr "
        "archive), folder or zip, which is evaluated by its own configuration",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="a new folder for the results")
    parser.add_argument(
        "--reference",
        type=_names,
        metavar="HEAD,...",
        help="heads that every other is compared with (default: the first of the list)",
    )
    parser.add_argument(
        "--heads", type=_names, metavar="HEAD,...", help="heads to look at, in this order (default: all)"
    )
    _add_rules(parser.add_argument_group("how heads are compared (keys of a study's `analysis`)"))
    _add_work(parser.add_argument_group("what is computed"))


def _add_rules(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--alpha", type=float, default=0.05, help="an adjusted p below it is significant (default 0.05)")
    group.add_argument(
        "--inference", default="both", metavar="WHAT", help="test over both, seeds and patients (default), or seeds"
    )
    group.add_argument(
        "--adjust", default="holm", metavar="HOW", help=f"adjust p by {', '.join(ADJUSTMENTS)} (default holm)"
    )
    group.add_argument(
        "--family", default="labels", metavar="OVER", help=f"over {', '.join(FAMILIES)} (default labels)"
    )
    group.add_argument(
        "--margin", type=float, default=0.01, help="difference below which heads are equivalent (default 0.01)"
    )
    group.add_argument("--power", type=float, default=0.8, help="of the smallest detectable difference (default 0.8)")


def _add_work(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--bootstrap",
        type=int,
        default=2000,
        metavar="N",
        help="replicates of the bootstrap over patients, 0 or >= 100 (default 2000)",
    )
    group.add_argument("--seed", type=int, default=0, help="of the bootstrap (default 0)")
    group.add_argument("--threads", type=int, default=2, help="of the bootstrap; results are the same (default 2)")
    group.add_argument("--only", type=_names, metavar="FIGURE,...", help="figures to draw (default: all)")
    group.add_argument("--no-figures", dest="only", action="store_const", const=(), help="draw none")
    group.add_argument(
        "--run-plugins", action="store_true", help="of an archive: run the code of its own metrics and figures"
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def run(arguments: argparse.Namespace) -> None:
    """Print the summary; what is under way goes to standard error."""
    import pyarrow

    from qcxr.analysis.evaluate import evaluate
    from qcxr.analysis.evaluation import Evaluation

    # the system's allocator gives back what a table held; Arrow's own keeps it beside what numpy holds
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    options = Evaluation(**{key: getattr(arguments, key) for key in KEYS}, replicates=arguments.bootstrap)
    if Path(arguments.runs).is_dir() or arguments.runs.endswith(".zip"):
        _archive(arguments, options)
    else:
        print(evaluate(arguments.runs, arguments.out, options, say=_say))
    print(f"The report is {arguments.out}/report.html")


def _archive(arguments: argparse.Namespace, options: Evaluation) -> None:
    """An archive has its own rules."""
    from qcxr.analysis.evaluation import Evaluation
    from qcxr.archive.evaluate import evaluate_archive

    archive = Path(arguments.runs)
    if options != Evaluation(threads=options.threads):
        raise InputError(
            f"{archive} is evaluated by its own configuration, which no option changes; leave them out, or give its "
            f"list of runs: {archive / 'runs.csv'}"
        )
    out, threads, plugins = Path(arguments.out), arguments.threads, arguments.run_plugins
    print(evaluate_archive(archive, out, threads=threads, plugins=plugins, say=_say))


def _say(line: str) -> None:
    print(line, file=sys.stderr)
