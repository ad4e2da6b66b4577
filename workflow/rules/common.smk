# Names of files and the pieces that rules share.
import json
import os
import subprocess

from qcxr.study import slices
from qcxr.analysis import figures
from qcxr.study.files import write_text
from qcxr.study.provenance import PACKAGE, code_hash, digest_file, slice_text

RUN = f"{results}/runs/{{task}}/{{head}}/seed{{seed}}"
EVALUATIONS = cfg.evaluations()
MANIFESTED = cfg.splits()
METRICS = f"{RUN}/metrics/{{dataset}}.csv"
TESTED = cfg.data.test_on
TEMPLATES = [
    digest_file(path) for path in sorted((PACKAGE / "analysis/templates").iterdir())
]
FIGURES = figures.names(tasks=cfg.tasks, datasets=TESTED, heads=cfg.heads)


wildcard_constraints:
    task="|".join(cfg.tasks),
    head="|".join(cfg.heads),
    seed=r"\d+",
    dataset="|".join({*EVALUATIONS, *MANIFESTED}),
    split="train|val|test",
    figure="|".join(FIGURES),


def there(paths):
    """The files that exist or will be drawn. A plan without data is still a plan; `onstart` refuses to run it."""
    return [
        p
        for p in paths
        if Path(p).exists()
        or (cfg.generate and Path(p).is_relative_to(cfg.generate.out))
    ]


def preflight():
    """Build every model of the study once, before the first job: what cannot work is found before a film is decoded.

    In a process of its own, since JAX has no place in this one, and once for each configuration and code.
    """
    stamp = Path(f"{results}/logs/preflight.json")
    decides = [slices.training(cfg, t, h) for t in cfg.tasks for h in cfg.heads]
    decides += [slices.studied_code("qcxr.training.preflight", cfg.heads)]
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == json.dumps(decides):
        return
    checked = subprocess.run(
        [sys.executable, "-m", "qcxr.training.preflight"],
        input=cfg.model_dump_json(),
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        text=True,
    )
    if checked.returncode:  # it has said why
        sys.exit(1)
    write_text(json.dumps(decides), stamp)


def every_run(pattern, **wildcards):
    """`pattern` for every task, head and seed, or for those given."""
    return expand(
        pattern,
        **{"task": cfg.tasks, "head": cfg.heads, "seed": cfg.seeds, **wildcards},
    )


def labels_needed(dataset):
    """What the study cannot do without: the training set must cover every label of every task."""
    if dataset != cfg.data.train_on:
        return []
    return sorted({label for task in cfg.tasks for label in cfg.labels(task)})


def packed(dataset, split):
    """The three files that runs read of a split, as named inputs: packed films, or a frozen backbone's features."""
    kind = "features" if cfg.backbone.views else "packed"
    stem = f"{results}/{kind}/{dataset}-{split}"
    return {"films": f"{stem}.npy", "index": f"{stem}.parquet", "facts": f"{stem}.json"}


def figure_inputs(name):
    """What a figure is drawn from, by kind."""
    files = {
        "metrics": f"{results}/metrics.csv",
        "tests": f"{results}/tests.csv",
        "history": every_run(f"{RUN}/history.csv"),
        "steps": every_run(f"{RUN}/steps.csv"),
        "runs": every_run(f"{RUN}/run.json"),
        "counts": expand(
            f"{results}/manifest/{{dataset}}-counts.csv", dataset=MANIFESTED
        ),
        "predictions": every_run(
            f"{RUN}/predictions/{{dataset}}.parquet", dataset=TESTED
        ),
    }
    needs = set(figures.spec(name).needs)
    if needs & {"history", "predictions"}:
        needs.add("runs")  # a run's keys come from its run.json
    return {kind: files[kind] for kind in sorted(needs)}


def studied():
    """All that tables and the report are made of, by kind."""
    files = {
        "metrics": f"{results}/metrics.csv",
        "tests": f"{results}/tests.csv",
        "runs": every_run(f"{RUN}/run.json"),
        "counts": expand(
            f"{results}/manifest/{{dataset}}-counts.csv", dataset=MANIFESTED
        ),
        "parameters": f"{results}/parameters.csv",
    }
    if cfg.timed_steps:
        files["benchmark"] = f"{results}/benchmark.csv"
    if cfg.analysis.bootstrap and len(cfg.heads) > 1:
        files["bootstrap"] = expand(
            f"{results}/bootstrap/{{task}}-{{dataset}}.csv",
            task=cfg.tasks,
            dataset=TESTED,
        )
    return files
