"""`qcxr train`: one run of a study without Snakemake, on this host or, under srun, on several."""

from __future__ import annotations

import argparse

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "train one run of a study here, without Snakemake; under srun, on several hosts"
    parser = command(commands, "train", run, text)
    parser.add_argument("task")
    parser.add_argument("head")
    parser.add_argument("seed", type=int)
    parser.add_argument("--variant", default="", metavar="NAME", help="a variant or a trial, by its folder's name")
    parser.add_argument("--threads", type=int, metavar="N", help="cores (default: resources.train_threads)")
    parser.add_argument("--afresh", action="store_true", help="from the first step: forget what was saved of it")
    configfile.add(parser)


def run(arguments: argparse.Namespace) -> None:
    """Train it where its rule would."""
    from qcxr.study import runs
    from qcxr.study.job import job
    from qcxr.training.single import train_in_place

    cfg = configfile.load(arguments)
    with job(None):
        threads = cfg.resources.train_threads if arguments.threads is None else arguments.threads
        one = runs.named(cfg, arguments.task, arguments.head, arguments.seed, variant=arguments.variant)
        out = train_in_place(one, cfg, threads=threads, configfiles=arguments.configfile, afresh=arguments.afresh)
    print(f"The run is {out}")
