"""`qcxr predict`: a trained run's probabilities for films, as a table, and pictures of where they come from."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from qcxr.arguments import positive
from qcxr.cli.commands import Commands, command
from qcxr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from qcxr.training.ensemble import Ensemble
    from qcxr.training.members import Member
    from qcxr.training.overlays import Overlays

NOTICE = "research software, not a medical device"
TEXT = "a trained run's probabilities for any films (not a medical device)"
ABOUT = f"""Probabilities for chest films by a trained run, or by the runs of a head: the mean over its seeds. Films are
PNG, JPEG or DICOM files, or folders that are searched for them. The table has a row for each film: p_<label>; with
several runs sd_<label>, their standard deviation; positive_<label>, 1 where p reaches the threshold that was chosen on
the validation split (empty where the run's folder has no predictions of it); unlike, how the film differs from the
training films ("unknown" where run.json does not say what they are like); and error, why a film could not be read. If
there is such a film the exit status is 1. {NOTICE.capitalize()}."""
TABLES = (".csv", ".parquet")


def add(commands: Commands) -> None:
    """Name the command and its words."""
    parser = command(commands, "predict", run, TEXT)
    parser.description = ABOUT
    parser.add_argument(
        "run_", metavar="RUN", help="a best.safetensors, a run's folder (.../seed0), or a head's (.../cxr8/dqc)"
    )
    parser.add_argument("films", nargs="+", metavar="FILM", help="PNG, JPEG or DICOM films, and folders of them")
    parser.add_argument("--out", metavar="TABLE", help="write a .csv or .parquet (default: CSV on standard output)")
    parser.add_argument("--batch-size", type=positive, default=32, metavar="N", help="films at a time (default 32)")
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="FILE",
        help="the file that the run's head is written in, where it is not where it was trained (docs/plugins.md)",
    )
    pictures = parser.add_argument_group("pictures", "saliency maps over each film: occlusion, and gradient x input")
    pictures.add_argument("--overlay", metavar="LABEL,...", help="labels to draw, or all")
    pictures.add_argument("--overlays", metavar="FOLDER", help="where the PNGs go (default: overlays)")
    pictures.add_argument("--patch", type=positive, metavar="PX", help="side of the hidden square (default: film / 7)")
    pictures.add_argument("--stride", type=positive, metavar="PX", help="its step (default: half of the patch)")


def run(arguments: argparse.Namespace) -> None:
    """Write the table, then the pictures' folder; films that could not be read end in one line and status 1."""
    out = Path(arguments.out) if arguments.out else None
    if out is not None and out.suffix not in TABLES:
        raise InputError(f"--out must end in {' or '.join(TABLES)}, got {out}; rename it")
    if arguments.overlays and not arguments.overlay:
        raise InputError("--overlays needs labels; add --overlay LABEL,... or --overlay all")

    from qcxr.data.listing import films
    from qcxr.study import plugged
    from qcxr.study.files import write_csv, write_parquet

    plugged.offer(arguments.plugin)
    table = _table(arguments, films(arguments.films))
    if out is None:
        table.to_csv(sys.stdout, index=False, float_format="%.4f")
    else:
        (write_csv if out.suffix == ".csv" else write_parquet)(table, out)
    print(NOTICE, file=sys.stderr)
    unread = table[table["error"] != ""]
    if len(unread):
        first = unread.iloc[0]
        raise InputError(
            f"{len(unread)} of {len(table)} films could not be read, the first {first['film']}: {first['error']}; "
            "see the table's column error"
        )


def _table(arguments: argparse.Namespace, paths: list[str]) -> pd.DataFrame:
    from qcxr.analysis.thresholds import chosen
    from qcxr.study import digests
    from qcxr.training.devices import configure
    from qcxr.training.members import members

    found = members(arguments.run_)
    validation = [member.validation for member in found]
    known = [path for path in validation if path is not None]
    digests.check([*(member.weights for member in found), *known])
    thresholds = chosen(known) if len(known) == len(found) else {}
    # compiled programs stay for the next time: what a film costs most
    configure(None, Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qcxr" / "jax")

    from qcxr.training.ensemble import Ensemble
    from qcxr.training.exhausted import memory_said
    from qcxr.training.filmtable import table

    if len(found) > 1:
        print(f"mean of {len(found)} runs: {', '.join(member.name for member in found)}", file=sys.stderr)
    ensemble = Ensemble(found)
    each = _overlays(arguments, ensemble) if arguments.overlay else None
    seen = found[0].films
    with memory_said([f"--batch-size below {arguments.batch_size}"]):
        rows = table(ensemble, paths, thresholds=thresholds, seen=seen, batch_size=arguments.batch_size, each=each)
    _say_what_is_missing(found)
    if each is not None:
        print(f"{each.written} picture{'s' if each.written != 1 else ''} in {each.folder}", file=sys.stderr)
    return rows


def _say_what_is_missing(found: list[Member]) -> None:
    """Why no film is called positive."""
    stale = [member.name for member in found if member.stale]
    missing = [member.name for member in found if member.validation is None and not member.stale]
    if stale:
        print(
            f"no thresholds: predictions/validation.parquet of {', '.join(stale)} is older than the weights; "
            "predict validation again",
            file=sys.stderr,
        )
    elif missing:
        print(
            f"no thresholds: no predictions/validation.parquet beside the weights of {', '.join(missing)}",
            file=sys.stderr,
        )


def _overlays(arguments: argparse.Namespace, ensemble: Ensemble) -> Overlays:
    from qcxr.analysis import overlay
    from qcxr.training.overlays import Overlays

    if not ensemble.differentiable:
        print("no gradient x input: torch computes this backbone; pictures have occlusion alone", file=sys.stderr)
    labels = ensemble.labels if arguments.overlay == "all" else arguments.overlay.split(",")
    folder = Path(arguments.overlays or "overlays")
    return Overlays(
        ensemble,
        [label.strip() for label in labels],
        folder,
        patch=arguments.patch,
        stride=arguments.stride,
        smooth=overlay.smoothed,
        draw=overlay.draw,
    )
