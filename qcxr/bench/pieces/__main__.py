"""`python -m qcxr.bench.pieces NAME OUT`: run one piece and write its rows, as they come, as a JSON list.

It ends with all that it started when whoever started it ends: its standard input is then at its end.
"""

import argparse
import os
import sys
import threading
import traceback
from importlib import import_module

from qcxr.bench.pieces.known import PIECES
from qcxr.bench.pieces.size import FULL, SMALL
from qcxr.bench.pieces.turns import reason
from qcxr.bench.process import end_tree
from qcxr.study.files import write_json


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m qcxr.bench.pieces", description=__doc__)
    parser.add_argument("name", choices=PIECES)
    parser.add_argument("out", help="a JSON file")
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args(argv)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    module, _, name = PIECES[given.name].place.partition(":")
    rows = []
    try:
        for row in getattr(import_module(f"qcxr.bench.pieces.{module}"), name)(SMALL if given.small else FULL):
            rows.append(row)
            write_json(rows, given.out)
        write_json(rows, given.out)
    except Exception as error:
        traceback.print_exc()
        sys.exit(reason("", error)["reason"])  # the last line that is said


def _end_with_parent() -> None:
    sys.stdin.read()
    end_tree(os.getpid())


if __name__ == "__main__":
    main()
