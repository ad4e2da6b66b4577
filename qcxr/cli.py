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
    arguments, rest = parser.parse_known_args(argv)
    if not hasattr(arguments, "run"):
        parser.print_help()
        return 2
    if rest and arguments.run is not _bench:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
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

    sub = command("check", _check, "check a configuration and its paths (params checks its models)")
    _add_config(sub)
    sub = command("params", _params, "print the parameter counts of every task and head (Table II)")
    _add_config(sub)
    sub = command("status", _status, "show where every run of a study stands")
    _add_config(sub)
    sub.add_argument("--watch", action="store_true", help="show again every few seconds until interrupted")
    sub.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="with --watch (default 5)")
    sub = command("train", _train, "train one run of a study here, without Snakemake; under srun, on several hosts")
    sub.add_argument("task")
    sub.add_argument("head")
    sub.add_argument("seed", type=int)
    sub.add_argument("--threads", type=int, metavar="N", help="cores (default: resources.train_threads)")
    _add_config(sub)
    sub = command("predict", _predict, "print a trained run's probabilities for films (not a medical device)")
    sub.add_argument("weights", help="a run's best.safetensors")
    sub.add_argument("films", nargs="+", help="PNG or JPEG chest films")
    sub = command("evaluate", _evaluate, "compare predictions made anywhere: metrics, tests, figures, report")
    sub.add_argument("runs", help="CSV with columns task, head, seed, dataset, predictions, truth (paths)")
    sub.add_argument("--out", required=True, metavar="DIR", help="a new folder for the results")
    sub.add_argument("--alpha", type=float, default=0.05, help="a raw p below it is called significant (default 0.05)")
    sub.add_argument(
        "--bootstrap",
        type=int,
        default=2000,
        metavar="N",
        help="replicates over patients, 0 or >= 100 (default 2000)",
    )
    sub = command("audit", _audit, "look through the films and labels of one data set; writes a page of HTML")
    sub.add_argument("dataset", help="a name under data.sources")
    sub.add_argument("--out", default="audit", metavar="DIR", help="folder of the page (default: audit)")
    _add_config(sub)
    sub = command("cache", _cache, "verify: check every cached film of a data set and rebuild the bad ones")
    sub.add_argument("what", choices=["verify"])
    sub.add_argument("dataset", help="a name under data.sources")
    sub.add_argument("--dry-run", action="store_true", help="report only")
    _add_config(sub)
    sub = command("draw", _draw, "draw the circuit as text, and as a PNG")
    sub.add_argument("--qubits", type=int, default=8)
    sub.add_argument("--layers", type=int, default=3)
    sub.add_argument("--png", metavar="FILE")
    sub = command(
        "bench",
        _bench,
        "time circuits, models, data or training side by side with peers; options: bench ROOM --options",
    )
    sub.add_argument("room", choices=["circuits", "models", "data", "training"])
    sub.add_argument("--options", action="store_true", help="show the options of that benchmark")
    return parser


def _add_config(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--configfile", nargs="+", default=["config/config.yaml"], metavar="YAML", help=CONFIGS_HELP)


def _load(arguments: argparse.Namespace):
    from qcxr.study.config import load

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

    if not arguments.every > 0:
        raise InputError(f"--every must be > 0 seconds, got {arguments.every:g}; set it")
    cfg = _load(arguments)
    while True:
        text = table(cfg)
        print(f"\033[2J\033[H{text}" if arguments.watch and sys.stdout.isatty() else text, flush=True)
        if not arguments.watch:
            return
        time.sleep(arguments.every)


def _train(arguments: argparse.Namespace) -> None:
    from qcxr.study.job import job
    from qcxr.training.single import train_in_place

    cfg = _load(arguments)
    with job(None):
        threads = cfg.resources.train_threads if arguments.threads is None else arguments.threads
        out = train_in_place(
            cfg, arguments.task, arguments.head, arguments.seed, threads=threads, configfiles=arguments.configfile
        )
    print(f"The run is {out}")


def _predict(arguments: argparse.Namespace) -> None:
    from qcxr.training.predict import predict_films

    table = predict_films(arguments.weights, arguments.films)
    table.to_csv(sys.stdout, index=False, float_format="%.4f")
    print("research software, not a medical device", file=sys.stderr)


def _evaluate(arguments: argparse.Namespace) -> None:
    from qcxr.analysis.evaluate import Evaluation, evaluate

    say = lambda line: print(line, file=sys.stderr)  # noqa: E731
    options = Evaluation(alpha=arguments.alpha, replicates=arguments.bootstrap)
    print(evaluate(arguments.runs, arguments.out, options, say=say))
    print(f"The report is {arguments.out}/report.html")


def _source(arguments: argparse.Namespace):
    cfg = _load(arguments)
    if arguments.dataset not in cfg.data.sources:
        known = ", ".join(cfg.data.sources)
        raise InputError(f"dataset must be one of {known}, got {arguments.dataset}; describe it under data.sources")
    return cfg, cfg.data.sources[arguments.dataset]


def _audit(arguments: argparse.Namespace) -> None:
    from qcxr.data.page import audit_source

    cfg, source = _source(arguments)
    audit_source(
        kind=source.kind,
        dataset=arguments.dataset,
        cache_dir=cfg.data.cache,
        out_dir=arguments.out,
        max_missing=source.max_missing,
        resize=cfg.image.resize,
        crop=cfg.image.crop,
        workers=cfg.resources.workers,
        augmentation=cfg.augment.model_dump(),
        **source.reader_options(),
    )
    print(f"The audit is {arguments.out}/{arguments.dataset}-audit.html")


def _cache(arguments: argparse.Namespace) -> None:
    from qcxr.data import sources
    from qcxr.data.verify import verify

    cfg, source = _source(arguments)
    report = verify(
        sources.read(source.kind, **source.reader_options()),
        source.images,
        cfg.data.cache,
        resize=cfg.image.resize,
        crop=cfg.image.crop,
        repair=not arguments.dry_run,
        workers=cfg.resources.workers,
    )
    for row in report.problems.itertuples():
        print(f"{row.path}: {row.issue} {row.detail}".rstrip())
    print(f"{report.n_films} films checked, {len(report.problems)} bad, {report.rebuilt} rebuilt")
    if not report.ok:
        raise InputError(f"{len(report.problems)} films are not cached as they are on disk; run it without --dry-run")


def _draw(arguments: argparse.Namespace) -> None:
    from qcxr.circuits import Ansatz
    from qcxr.circuits.drawing import draw

    print(draw(Ansatz(arguments.qubits, arguments.layers), png=arguments.png))


def _bench(arguments: argparse.Namespace) -> None:
    from importlib import import_module

    rest = ["--help"] if arguments.options else arguments.rest
    import_module(f"qcxr.bench.{arguments.room}").main(rest)


if __name__ == "__main__":
    sys.exit(main())
