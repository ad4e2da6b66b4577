"""`qcxr ...`: what a person does outside the workflow. Each command imports only what it needs."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from qcxr import __version__
from qcxr.errors import InputError

CONFIGS_HELP = "YAML files, each laid over the ones before (default: config/config.yaml)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; bad input is one line on standard error and exit status 1."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if not hasattr(arguments, "run"):
        parser.print_help()
        return 2
    try:
        arguments.run(arguments)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog="qcxr", description=__doc__.split("\n")[0])
    parser.add_argument("--version", action="version", version=f"qcxr {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Callable, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    sub = command("check", _check, "check a configuration and the paths it names; print it resolved")
    _add_config(sub)
    sub = command("params", _params, "print the parameter counts of every task and head (Table II)")
    _add_config(sub)
    sub = command("status", _status, "show where every run of a study stands")
    _add_config(sub)
    sub.add_argument("--watch", action="store_true", help="show again every few seconds until interrupted")
    sub.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="with --watch (default 5)")
    sub = command("predict", _predict, "print a trained run's probabilities for films (not a medical device)")
    sub.add_argument("weights", help="a run's best.safetensors")
    sub.add_argument("films", nargs="+", help="PNG or JPEG chest films")
    return parser


def _add_config(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--configfile", nargs="+", default=["config/config.yaml"], metavar="YAML", help=CONFIGS_HELP)


def _load(arguments: argparse.Namespace):
    from qcxr.config import load

    first = "config/config.yaml"
    paths = arguments.configfile
    return load(*(paths if paths[0] == first else [first, *paths]))


def _check(arguments: argparse.Namespace) -> None:
    import yaml

    cfg = _load(arguments)
    print(yaml.safe_dump(cfg.model_dump(mode="json"), sort_keys=False, default_flow_style=None, width=120), end="")
    if gone := cfg.missing_paths():
        raise InputError(gone[0] + (f" (and {len(gone) - 1} more paths)" if len(gone) > 1 else ""))


def _params(arguments: argparse.Namespace) -> None:
    from qcxr.models.parameters import table
    from qcxr.training.study import counted

    counts = counted(_load(arguments))
    print(table({f"{task}/{head}": parts for (task, head), parts in counts.items()}))


def _status(arguments: argparse.Namespace) -> None:
    from qcxr.training.status import table

    cfg = _load(arguments)
    while True:
        text = table(cfg)
        print(f"\033[2J\033[H{text}" if arguments.watch and sys.stdout.isatty() else text, flush=True)
        if not arguments.watch:
            return
        time.sleep(arguments.every)


def _predict(arguments: argparse.Namespace) -> None:
    from qcxr.training.predict import predict_films

    table = predict_films(arguments.weights, arguments.films)
    table.to_csv(sys.stdout, index=False, float_format="%.4f")
    print("research software, not a medical device", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
