"""Model card (Mitchell et al. 2019) and data card in Markdown, generated from a study's own results."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
import pandas as pd

from qcxr.analysis import cells, comparisons, formats, tables
from qcxr.analysis.cohort import shown
from qcxr.analysis.counted import of_training
from qcxr.analysis.facts import Facts, Study
from qcxr.analysis.frequencies import Frequencies, borders_said
from qcxr.analysis.hub import front_matter
from qcxr.analysis.inputs import Run, hours, known_versions
from qcxr.analysis.learned import unlinked
from qcxr.analysis.limits import limits, listed
from qcxr.analysis.names import dataset_name, dataset_order, head_name, metric_name, single, task_name, task_order
from qcxr.analysis.origin import official, origins
from qcxr.analysis.outline import Outline
from qcxr.analysis.predictions import MEANS
from qcxr.analysis.results import Results
from qcxr.analysis.shown import Shown
from qcxr.analysis.tablefile import read_table
from qcxr.study.files import write_text

Issues = Mapping[str, str | Path] | Sequence[str | Path]
# what a head of each kind is
KINDS = {
    "cdl": "one linear layer",
    "dqc": "a linear layer, a quantum circuit of one qubit per label, and a linear layer",
    "mlp": "two linear layers with tanh between, DQC without its circuit",
    "product": "DQC with a circuit that never entangles",
    "bottleneck": "two linear layers with nothing between",
    "random": "DQC whose circuit keeps the weights that it starts with",
    "permuted": "DQC whose circuit has the same gates in another arrangement",
    "fourier": "random Fourier features in the circuit's place",
    "mps": "a freely trained real tensor chain in the circuit's place",
    "circuit": "a linear layer, a quantum circuit written for this study, and a linear layer",
}


def model_card(
    out: str | Path,
    results: Results,
    study: Study = Study(),  # noqa: B008  (frozen)
    *,
    borders: Mapping[str, str] | None = None,
) -> None:
    """Write the model card of a study to `out`: Markdown with the front matter of Hugging Face's hub.

    borders: what the head and tail labels of the metrics' group means are, as `frequencies.borders_said` says it.
    """
    facts = results.facts(study)
    results = results.at_base()
    scored, trained = results.metrics, results.runs
    labels = {run["task"]: run["labels"] for run in trained}
    lost = scored[(scored["metric"] == "auroc") & scored["value"].isna() & ~scored["label"].isin(MEANS)]
    undefined = lost.groupby(["label", "dataset", "reason"], sort=True).size().index
    spent = [taken for run in trained if (taken := hours(run)) is not None]
    text = (
        environment()
        .get_template("model_card.md.j2")
        .render(
            demo=study.demo,
            limits=limits(facts),
            header=front_matter(results, facts),
            borders=borders_said() if borders is None else borders,
            runs=len(trained),
            tasks={task_name(task): labels[task] for task in task_order(labels)},
            heads=[head_name(head) for head in facts.heads],
            named=str(len(facts.heads)) if facts.many else listed([head_name(head) for head in facts.heads]),
            described=_described(facts, results.outline),
            seeds=sorted(int(seed) for seed in scored["seed"].unique()),
            plugins=plugins(trained),
            versions=known_versions(trained),
            devices=sorted({run["device"] for run in trained if run.get("device")}),
            hours=sum(spent),
            means=_markdown(comparisons.means(results.tests, results.shown)),
            estimates=_markdown(estimates(results.estimates, results.shown)),
            plus_minus=results.shown.plus_minus,
            calibrated=bool({"brier", "ece"} & set(scored["metric"])),
            subgroups=by_groups(results.subgroups),
            groups=_markdown(comparisons.groups(results.tests, results.metrics, results.shown)),
            scores=_markdown(tables.scores(scored, results.shown)),
            at=f" (at {facts.base})" * facts.varied,
            undefined=[f"{label} on {dataset_name(dataset)} ({reason})" for label, dataset, reason in undefined],
        )
    )
    write_text(text, out)


def plugins(runs: Sequence[Run]) -> list[str]:
    """The heads and losses of plug-ins that any run was made with, each with its file and what that says, as a hash."""
    used = [{"what": what, **written} for run in runs for what, written in (run.get("plugins") or {}).items()]
    return list(dict.fromkeys("{what} {name} in {file} (digest {digest})".format(**one) for one in used))


def estimates(frame: pd.DataFrame | None, shown: Shown) -> pd.DataFrame:
    """Means over labels of AUROC, average precision and own metrics by head, with 95 % intervals; empty without any."""
    if frame is None or frame.empty:
        return pd.DataFrame()
    rows = []
    for r in frame[frame["label"].isin(MEANS)].to_dict("records"):
        labels = r["label"].removeprefix("mean").removeprefix("_") or "all"
        row = {"Task": task_name(r["task"]), "Test set": dataset_name(r["dataset"]), "Head": head_name(r["head"])}
        row |= {
            "Metric": metric_name(r["metric"]),
            "Labels": labels,
            "Mean ± sd": shown.mean_sd(r["mean"], r["sd"], r["n_seeds"]),
        }
        over = {"95 % seeds and patients": "total", "95 % seeds": "seeds", "95 % patients": "patients"}
        rows.append(row | {name: cells.interval(r[f"{part}_low"], r[f"{part}_high"]) for name, part in over.items()})
    return pd.DataFrame(rows)


def by_groups(frame: pd.DataFrame | None) -> str:
    """By which facts about patients and films the results are broken down, as a list; "" where by none."""
    if frame is None or frame.empty:
        return ""
    names = [str(name) for name in dict.fromkeys(frame["attribute"]) if name]  # a set without any has a row without
    return listed(names) if names else ""


def _described(facts: Facts, outline: Outline) -> str:
    """What each head is: its kind's layers, and in brackets what differs from the first head."""
    texts = []
    for head in facts.heads:
        if what := KINDS.get(facts.kind(head)):
            differs = outline.heads.get(head, "")
            texts.append(f"{head_name(head)} is {what}" + f" ({differs})" * bool(differs))
    return "; ".join(texts)


def data_card(
    out: str | Path,
    study: Study = Study(),  # noqa: B008  (frozen)
    *,
    counts: pd.DataFrame,
    kinds: Mapping[str, str] | None = None,
    cohort: pd.DataFrame | None = None,
    tail_below: int = 100,
    quantiles: Sequence[float] | None = None,
) -> None:
    """Write the data card of a study to `out` (Markdown).

    study: whether the films were drawn, its notes (sentences about films left out or flagged, as of `left_out`), what
    is said of training films, and leaks that were allowed (`qcxr.analysis.learned`).
    counts: dataset, split, label, n, n_positive. kinds: data set -> its layout (`nih` or `mimic`). cohort: as
    `qcxr.analysis.cohort.cohort` makes it of the manifests. tail_below, quantiles: the tail's border, as of
    `frequencies.Frequencies`; quantiles are those of all labels that were counted.
    """
    frame, datasets = counts, dataset_order(single(counts["dataset"].unique()))
    films = frame.groupby(["dataset", "split"], sort=False)["n"].max().reset_index()
    films.columns = ["Data set", "Split", "Films"]
    films["Data set"] = films["Data set"].map(dataset_name)
    films = films if cohort is None else shown(cohort)
    train = of_training(frame).query("n > 0")
    text = (
        environment()
        .get_template("data_card.md.j2")
        .render(
            demo=study.demo,
            border=borders_said(tail_below=tail_below, quantiles=quantiles)["tail"].replace("the task's", "all"),
            datasets=[dataset_name(name) for name in datasets],
            counts=_markdown(tables.counts(frame)),
            films=_markdown(films),
            tail=_tail(train, tail_below, quantiles),
            people=films.columns.isin(["Age", "Sex", "View"]).any(),
            origins=origins(frame, kinds or {}, demo=study.demo),
            mined=all(official(frame, name) for name in datasets),
            notes=list(study.notes),
            learned=list(study.learned),
            leaks=list(study.leaks),
            patientless=unlinked(study.patientless),
        )
    )
    write_text(text, out)


def _tail(train: pd.DataFrame, tail_below: int, quantiles: Sequence[float] | None) -> list[str]:
    """The tail of the labels counted in training (columns label, n_positive)."""
    counts = dict(zip(train["label"], train["n_positive"].astype(int), strict=True))
    cuts = None if quantiles is None else (quantiles[0], quantiles[1])
    borders = Frequencies(counts, head_above=max(1000, tail_below), tail_below=tail_below, quantiles=cuts)
    return borders.groups(list(counts))["mean_tail"]


def _markdown(frame: pd.DataFrame) -> str:
    return formats.markdown(frame).rstrip() if len(frame) else ""


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


def environment() -> jinja2.Environment:
    """Where the cards' templates are."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("qcxr.analysis"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
