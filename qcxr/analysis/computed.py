"""Everything that is computed of runs made elsewhere, by the functions of the workflow's rules, as files by kind."""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from qcxr.analysis.bootstrap import bootstrap_files
from qcxr.analysis.estimates import estimates
from qcxr.analysis.evaluation import Evaluation
from qcxr.analysis.inputs import Paths, load
from qcxr.analysis.patients import patients_files
from qcxr.analysis.prepare import Folder, let_go
from qcxr.analysis.questions import questions
from qcxr.analysis.statistics import compare
from qcxr.analysis.subgroups import Breakdown, subgroup_files
from qcxr.study.files import write_csv

Files = dict[str, Paths]


def compute(folder: Folder, metrics: pd.DataFrame, heads: Sequence[str], options: Evaluation) -> Files:
    """Write what is computed of the runs into the folder; kinds are those of `qcxr.analysis.inputs.READERS`."""
    root, outline, against = folder.root, folder.outline, options.reference
    places = list(product(folder.cases, outline.variants or [""]))
    files: Files = {kind: root / f"{kind}.csv" for kind in ("metrics", "tests", "estimates")}
    found: dict[str, list[Path]] = {"patients": [], "bootstrap": [], "subgroups": []}
    for case, variant in tqdm(places, unit="test set", desc="patients", disable=None, leave=False):
        for kind, path in _of_place(folder, case, variant, heads, options):
            found[kind].append(path)
            let_go()
    files |= {kind: paths for kind, paths in found.items() if paths}
    patients = load("patients", found["patients"])
    tests = compare(metrics, heads=heads, against=against, outline=outline, patients=patients, inference=options.rules)
    write_csv(metrics, root / "metrics.csv")
    write_csv(tests, root / "tests.csv")
    write_csv(estimates(metrics, patients=patients, outline=outline), root / "estimates.csv")
    known = {"variance": True, "trend": bool(folder.frequencies), "interaction": outline.varied}
    answers = {name: root / f"{name}.csv" for name, asked in known.items() if asked}
    given = {kind: files[kind] for kind in ("metrics", "patients")}
    questions(given, answers, heads=heads, against=against, outline=outline, adjust=options.adjust)
    return files | answers


def _of_place(
    folder: Folder, case: tuple[str, str], variant: str, heads: Sequence[str], options: Evaluation
) -> Iterator[tuple[str, Path]]:
    """What is computed of one task on one test set, by the runs that stand at a variant: kind and file."""
    predictions, against = folder.standing(variant, *case), options.reference
    if not predictions:
        return
    name = "-".join(case) + f"/{variant}" * bool(variant)
    paths = {kind: folder.root / kind / f"{name}.csv" for kind in ("patients", "bootstrap", "subgroups")}
    frequencies = folder.frequencies.get(case[0])
    patients_files(
        predictions, paths["patients"], heads=heads, against=against, frequencies=frequencies, variant=variant
    )
    yield "patients", paths["patients"]
    if options.replicates:
        drawn = options.resampling
        bootstrap_files(
            predictions, paths["bootstrap"], heads=heads, against=against, resampling=drawn, variant=variant
        )
        yield "bootstrap", paths["bootstrap"]
    if case in folder.attributes and variant == folder.outline.base:
        attributes = folder.attributes[case]
        there = [head for head in heads if any(run.head == head for run in folder.of(*case))]
        breakdown = Breakdown(
            tuple(attributes.columns),
            adjust=options.adjust,
            inference=options.inference,
            heads=there,
            against=None if against is None else [head for head in against if head in there],
        )
        subgroup_files(predictions, attributes, paths["subgroups"], breakdown=breakdown)
        yield "subgroups", paths["subgroups"]
