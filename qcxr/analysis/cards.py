"""Model card (Mitchell et al. 2019) and data card in Markdown, generated from a study's own results."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
import pandas as pd

from qcxr.analysis import formats, tables
from qcxr.analysis.deviations import LIMITS
from qcxr.analysis.inputs import Paths, hours, load
from qcxr.analysis.metrics import MEANS
from qcxr.analysis.names import dataset_name, dataset_order, head_name, head_order, task_name, task_order
from qcxr.analysis.predictions import read_table
from qcxr.study.files import write_text

Issues = Mapping[str, str | Path] | Sequence[str | Path]

ORIGINS = {
    "nih": "NIH-CXR-LT: the NIH Clinical Center's ChestX-ray14 films (Wang et al. 2017; frontal films of 30,805 "
    "patients, freely available) with the 19 long-tailed labels of Holste et al. (2022, 2023).",
    "mimic": "MIMIC-CXR-LT: frontal films of MIMIC-CXR-JPG (Johnson et al. 2019, Beth Israel Deaconess Medical Center; "
    "credentialed access through PhysioNet, no redistribution) with labels of the same family.",
}


def model_card(
    out: str | Path,
    *,
    metrics: Paths,
    tests: Paths,
    runs: Paths,
    head_above: int = 1000,
    tail_below: int = 100,
    demo: bool = False,
) -> None:
    """Write the model card of a study to `out` (Markdown).

    metrics, tests, runs: files as in `qcxr.analysis.inputs`. head_above, tail_below: the borders that the metrics'
    group means were made with. demo: the films were generated.
    """
    scored, tested, trained = load("metrics", metrics), load("tests", tests), load("runs", runs)
    labels = {run["task"]: run["labels"] for run in trained}
    lost = scored[(scored["metric"] == "auroc") & scored["value"].isna() & ~scored["label"].isin(MEANS)]
    undefined = lost.groupby(["label", "dataset", "reason"], sort=True).size().index
    spent = [hours(run) for run in trained if hours(run) is not None]
    groups = tables.groups(tested)
    versions = {f"{name} {version}" for run in trained for name, version in (run.get("versions") or {}).items()}
    text = _environment().get_template("model_card.md.j2").render(
        demo=demo, limits=LIMITS, head_above=head_above, tail_below=tail_below, runs=len(trained),
        tasks={task_name(task): labels[task] for task in task_order(labels)},
        heads=[head_name(head) for head in head_order(scored["head"])],
        seeds=sorted(int(seed) for seed in scored["seed"].unique()),
        versions=sorted(versions), devices=sorted({run["device"] for run in trained if run.get("device")}),
        hours=sum(spent), means=formats.markdown(tables.means(tested)).rstrip() if len(tested) else "",
        groups=formats.markdown(groups).rstrip() if len(groups) else "",
        scores=formats.markdown(tables.scores(scored)).rstrip(),
        undefined=[f"{label} on {dataset_name(dataset)} ({reason})" for label, dataset, reason in undefined],
    )  # fmt: skip
    write_text(text, out)


def data_card(
    out: str | Path,
    *,
    counts: Paths,
    kinds: Mapping[str, str] | None = None,
    issues: Issues | None = None,
    tail_below: int = 100,
    demo: bool = False,
) -> None:
    """Write the data card of a study to `out` (Markdown).

    counts: dataset, split, label, n, n_positive. kinds: data set -> its layout (`nih` or `mimic`), by default its name.
    issues: of films left out, as in `left_out`. demo: the films were generated.
    """
    frame = load("counts", counts)
    datasets = dataset_order(frame["dataset"])
    films = frame.groupby(["dataset", "split"], sort=False)["n"].max().reset_index()
    films.columns = ["Data set", "Split", "Films"]
    films["Data set"] = films["Data set"].map(dataset_name)
    train = frame[frame["split"] == "train"]
    origins = dict.fromkeys((kinds or {}).get(name, name) for name in datasets)
    text = _environment().get_template("data_card.md.j2").render(
        demo=demo, tail_below=tail_below, datasets=[dataset_name(name) for name in datasets],
        counts=formats.markdown(tables.counts(frame)).rstrip(), films=formats.markdown(films).rstrip(),
        tail=list(train.loc[train["n_positive"] < tail_below, "label"]),
        origins=[ORIGINS[kind] for kind in origins if kind in ORIGINS], left_out=left_out(issues),
    )  # fmt: skip
    write_text(text, out)


def left_out(issues: Issues | None, *, words: str = "left out") -> list[str]:
    """Say per data set how many films were left out (or what else `words` says of them), and why.

    issues: CSVs with a column `issue`, one row per film and reason: data set -> CSV, or CSVs named {dataset}-issues.csv
    (several of one data set are taken together).
    """
    if issues is None:
        return []
    if not isinstance(issues, Mapping):
        named = [(Path(path).stem.removesuffix("-issues"), path) for path in issues]
    else:
        named = list(issues.items())
    found: dict[str, list[pd.Series]] = {}
    for dataset, path in named:
        found.setdefault(dataset, []).append(read_table(path)["issue"])
    texts = []
    for dataset in dataset_order(found):
        reasons = pd.concat(found[dataset])
        kinds = ", ".join(f"{n} {kind}" for kind, n in reasons.value_counts().items())
        count = f"{len(reasons)} film{'' if len(reasons) == 1 else 's'}"
        texts.append(f"{dataset_name(dataset)}: {count} {words}{': ' + kinds if kinds else ''}.")
    return texts


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("qcxr.analysis"), undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
