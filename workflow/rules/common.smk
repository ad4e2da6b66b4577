# Names of files and the pieces that rules share.
import json
import os
import re
import subprocess
from dataclasses import asdict
from functools import cache
from types import SimpleNamespace

from qcxr.study import plugged, runs, slices
from qcxr.study.arms import TRIAL, below
from qcxr.study.labels import ordered
from qcxr.analysis import figures
from qcxr.analysis.inference import Inference
from qcxr.analysis.outline import Outline
from qcxr.study.files import write_text
from qcxr.study.outline import outline
from qcxr.study.provenance import PACKAGE, code_hash, digest_file, slice_text

# {variant} is empty, or "/" and the name of a variant or of a trial of the search: qcxr/study/arms.py
RUN = f"{results}/runs/{{task}}/{{head}}{{variant}}/seed{{seed}}"
NAMED = "{task}-{head}{variant}-seed{seed}"  # of logs
RECIPES = {
    (arm.head, arm.variant): made for arm, made in {**cfg.arms, **cfg.trials}.items()
}
FILMS = {key: runs.films(cfg, made) for key, made in RECIPES.items()}
SEARCHED = list(dict.fromkeys(arm.head for arm in cfg.trials))
FEATURES = {below(name): made for name, made in runs.features(cfg).items()}
KINDS = sorted({made.kind for made in cfg.arms.values()})
EVALUATIONS = cfg.evaluations()
MANIFESTED = cfg.splits()
METRICS = f"{RUN}/metrics/{{dataset}}.csv"
PREDICTIONS = f"{RUN}/predictions/{{dataset}}.parquet"
TESTED = cfg.data.test_on
JOINED = cfg.data.trained_on if len(cfg.data.training) > 1 else None
# of the films that are trained on first: figures and tables take those of training from there
COUNTED = [
    cfg.data.trained_on,
    *(name for name in MANIFESTED if name != cfg.data.trained_on),
]
TEMPLATES = [
    digest_file(path) for path in sorted((PACKAGE / "analysis/templates").iterdir())
]
OUTLINE = outline(cfg)
INFERENCE = asdict(Inference.of(cfg.analysis))
VARIANTS = [below(name) for name, _ in OUTLINE["variants"]] or [""]
# test sets of whose films something is known, so that results can be broken down by it
ATTRIBUTED = [
    name
    for name in TESTED
    if cfg.analysis.subgroups and cfg.data.sources[name].attributed()
]
FIGURES = figures.names(
    tasks=cfg.tasks,
    datasets=TESTED,
    heads=cfg.names,
    axes=OUTLINE["axes"],
    searched=bool(SEARCHED),
    grouped=bool(ATTRIBUTED),
    own=cfg.analysis.figures,
)
# what decides the user's own metrics, by name; a key of the slice only where there are some
OWN_METRICS = (
    {"own": {m: plugged.get("metric", m).decides() for m in cfg.analysis.metrics}}
    if cfg.analysis.metrics
    else {}
)


wildcard_constraints:
    task="|".join(cfg.tasks),
    head="|".join(cfg.names),
    variant="(/[^/]+~[^/]+)?",
    features="(/[0-9a-f]+)?",
    seed=r"\d+",
    dataset="|".join(sorted(map(re.escape, {*EVALUATIONS, *MANIFESTED}))),
    joined=re.escape(JOINED or "none"),
    kind="packed|features(/[0-9a-f]+)?",
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
    decides = [
        slices.training(made, cfg.labels(task))
        for task in cfg.tasks
        for made in RECIPES.values()
    ]
    decides += [slices.studied_code("qcxr.training.preflight", KINDS, RECIPES.values())]
    decides += [cfg.data.training, TESTED, cfg.data.leaks, cfg.data.unlearnable]
    # label files too: what is in them, as the configuration says to read them, is looked at
    decides += [slices.manifest(cfg.data.sources[name]) for name in MANIFESTED]
    decides += [
        [path, os.stat(path).st_size, os.stat(path).st_mtime_ns]
        for name in MANIFESTED
        for path in cfg.data.sources[name].input_files()
        if Path(path).is_file()
    ]
    decides += [OWN_METRICS, [figures.decides(name) for name in cfg.analysis.figures]]
    own = (
        ["qcxr.analysis.preflight"]
        if cfg.analysis.metrics + cfg.analysis.figures
        else []
    )
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == json.dumps(decides):
        return
    for module in [*own, "qcxr.training.preflight"]:
        checked = subprocess.run(
            # -P: from where jobs import too, which is not the folder that the study is run in
            [sys.executable, "-P", "-m", module],
            input=cfg.model_dump_json(),
            env={**os.environ, "JAX_PLATFORMS": "cpu"},
            text=True,
        )
        if checked.returncode:  # it has said why
            sys.exit(1)
    write_text(json.dumps(decides), stamp)


def recipe_of(w):
    """What the run of these wildcards is made with; of a searched head's seeds, but for what was chosen."""
    if (w.head, w.variant[1:]) not in RECIPES:
        raise ValueError(f"{w.head}{w.variant} is no head and variant of this study")
    return RECIPES[w.head, w.variant[1:]]


def is_trial(w):
    return w.variant[1:].startswith(TRIAL)


def every_run(*patterns, task=None, dataset=()):
    """The patterns for every task, head, variant and seed, or for the task given, and for the data sets."""
    named = [(below(arm.variant), arm.head) for arm in cfg.arms]
    return [
        pattern.format(task=t, head=head, variant=variant, seed=seed, dataset=d)
        for pattern in patterns
        for t in ([task] if task else cfg.tasks)
        for variant, head in named
        for seed in cfg.seeds
        for d in (dataset if "{dataset}" in pattern else [""])
    ]


def every_trial(*patterns, task, head, dataset="validation"):
    """The patterns for every trial of a head's search."""
    return [
        pattern.format(
            task=task,
            head=head,
            variant=below(arm.variant),
            seed=cfg.search.run_seed,
            dataset=dataset,
        )
        for pattern in patterns
        for arm in cfg.trials
        if arm.head == head
    ]


def choices():
    """What every search chose."""
    return expand(
        f"{results}/search/{{task}}/{{head}}.json", task=cfg.tasks, head=SEARCHED
    )


def packed(dataset, split, folder):
    """The files that runs read of a split, as named inputs; those of several sources have no array of their own."""
    stem = f"{folder}/{dataset}-{split}"
    films = f"{stem}.npy"
    if dataset == JOINED:
        films = [f"{folder}/{source}-{split}.npy" for source in cfg.data.training]
    return {"films": films, "index": f"{stem}.parquet", "facts": f"{stem}.json"}


def read_by(w, dataset, split):
    """The files that the run of these wildcards reads of a split: packed films, or a frozen backbone's features."""
    recipe_of(w)  # refuses what is no run of this study
    return packed(dataset, split, FILMS[w.head, w.variant[1:]])


def standing(w):
    """The folders of the runs that stand at a variant, all heads and seeds: a head without the varied keys has one."""
    heads = Outline.from_json(OUTLINE)
    arms = [heads.standing(head, w.variant[1:]) for head in cfg.names]
    return [
        f"{results}/runs/{w.task}/{arm.head}{below(arm.variant)}/seed{seed}"
        for arm in arms
        if arm
        for seed in cfg.seeds
    ]


def bootstrapped():
    """Intervals over patients of every task and data set, at every variant."""
    return expand(
        f"{results}/bootstrap/{{task}}-{{dataset}}{{variant}}.csv",
        task=cfg.tasks,
        dataset=TESTED,
        variant=VARIANTS,
    )


def patiented():
    """What patients vary, of every task and data set, at every variant."""
    return expand(
        f"{results}/patients/{{task}}-{{dataset}}{{variant}}.csv",
        task=cfg.tasks,
        dataset=TESTED,
        variant=VARIANTS,
    )


def standing_at_base(w):
    """The folders of the runs that stand at the base variant, all heads and seeds."""
    return standing(SimpleNamespace(task=w.task, variant=below(OUTLINE["base"])))


def broken_down():
    """Subgroups of every task and data set, at the base variant."""
    return expand(
        f"{results}/subgroups/{{task}}-{{dataset}}.csv",
        task=cfg.tasks,
        dataset=TESTED,
    )


def answered():
    """The further questions' tables, by kind."""
    return {
        kind: f"{results}/{kind}.csv" for kind in ("trend", "variance", "interaction")
    }


def counted():
    """The counts of labels of everything that the study reads, those of training first."""
    return expand(f"{results}/manifest/{{dataset}}-counts.csv", dataset=COUNTED)


def figure_inputs(name):
    """What a figure is drawn from, by kind."""
    files = {
        "metrics": f"{results}/metrics.csv",
        "tests": f"{results}/tests.csv",
        "estimates": f"{results}/estimates.csv",
        "history": every_run(f"{RUN}/history.csv"),
        "steps": every_run(f"{RUN}/steps.csv"),
        "runs": every_run(f"{RUN}/run.json"),
        "counts": counted(),
        "predictions": every_run(PREDICTIONS, dataset=TESTED),
        "search": f"{results}/search.csv",
        "subgroups": broken_down(),
    }
    files |= answered()
    if cfg.analysis.bootstrap:
        files["bootstrap"] = bootstrapped()
    needs = {*figures.spec(name).needs, *(set(figures.spec(name).also) & set(files))}
    if needs & {"history", "predictions"}:
        needs.add("runs")  # a run's keys come from its run.json
    return {kind: files[kind] for kind in sorted(needs)}


def studied():
    """All that tables and the report are made of, by kind."""
    files = {
        "metrics": f"{results}/metrics.csv",
        "tests": f"{results}/tests.csv",
        "estimates": f"{results}/estimates.csv",
        "runs": every_run(f"{RUN}/run.json"),
        "counts": counted(),
        "parameters": f"{results}/parameters.csv",
        "patients": patiented(),
    }
    files |= answered()
    if cfg.timed_steps:
        files["benchmark"] = f"{results}/benchmark.csv"
    if cfg.analysis.bootstrap and (len(cfg.heads) > 1 or OUTLINE["axes"]):
        files["bootstrap"] = bootstrapped()
    if SEARCHED:
        files["search"] = f"{results}/search.csv"
    if ATTRIBUTED:
        files["subgroups"] = broken_down()
    return files


def training_files(w):
    """The two packed splits that a run trains on, each three files or more."""
    return {
        f"{split}_{kind}": path
        for split in ("train", "val")
        for kind, path in read_by(w, cfg.data.trained_on, split).items()
    }


def learned():
    """The manifests of what is trained on, and that its training and validation films are cached."""
    return {
        "manifests": expand(
            f"{results}/manifest/{{dataset}}.parquet", dataset=cfg.data.training
        ),
        "cached": expand(
            f"{results}/cached/{{dataset}}-{{split}}.json",
            dataset=cfg.data.training,
            split=["train", "val"],
        ),
    }


@cache
def training_slice(task, head, variant):
    """What decides the weights of a head's runs; with a search, but for what was chosen, which is an input."""
    made = RECIPES[head, variant]
    return slices.training(made, ordered(cfg.labels(task), made.data.label_order))
