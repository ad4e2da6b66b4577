"""Before anything trains: the metrics and figures of plug-ins are loaded, and every metric tried on a few numbers.

The workflow runs `python -m qcxr.analysis.preflight` on a configuration (JSON on standard input) before its first job,
where there are some.
"""

from __future__ import annotations

import json
import sys

from qcxr.analysis.ownmetrics import own_metrics
from qcxr.errors import InputError
from qcxr.study import execution, plugged
from qcxr.study.config import Config, parse


def check(cfg: Config) -> None:
    """Run the files that the analysis' metrics and figures are in. Raises `InputError` for what cannot work."""
    own_metrics(cfg.analysis.metrics)
    for name in cfg.analysis.figures:
        execution.load(plugged.get("figure", name))


def main() -> None:
    """Check the configuration on standard input; what cannot work is one line and exit status 1."""
    try:
        check(parse(json.load(sys.stdin)))
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
