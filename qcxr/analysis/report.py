"""One self-contained HTML file: what was run, on what, with which result; it needs no network and no other file."""

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup

from qcxr.analysis import formats, tables
from qcxr.analysis.cards import Issues, left_out
from qcxr.analysis.deviations import COLUMNS, DEVIATIONS, LIMITS, departures
from qcxr.analysis.gallery import gallery
from qcxr.analysis.inputs import Paths, hours, load, many
from qcxr.analysis.names import dataset_name, dataset_order, head_name, head_order, task_name, task_order
from qcxr.study.files import write_text

TITLE = "Quantum against classical heads for long-tailed chest X-ray classification"
FOLDED = {"labels", "scores", "runs", "paper", "bootstrap"}
DEMO = "Generated films, drawn by a program: the numbers show that the pipeline works, and nothing about patients."
TABLES = ("groups", "labels", "scores", "bootstrap", "parameters", "benchmark")
PARTS = ("texts", "facts", "tables", "figures", "points", "blocks")


def write_report(
    out: str | Path,
    *,
    figure_paths: Sequence[str | Path],
    metrics: Paths,
    tests: Paths,
    runs: Paths = (),
    counts: Paths | None = None,
    parameters: Paths | None = None,
    bootstrap: Paths | None = None,
    benchmark: Paths | None = None,
    issues: Issues | None = None,
    notes: Sequence[str] = (),
    config: Mapping | None = None,
    protocol: bool = False,
    demo: bool = False,
    title: str = TITLE,
) -> None:
    """Write the report to `out`.

    figure_paths: PNG files; a file's stem is its figure's name (see `qcxr.analysis.figures`), `circuit...` is the
    circuit drawing, of other PNGs the name is the caption. metrics, tests, runs (run.json), counts, parameters,
    bootstrap, benchmark: files of those kinds (see `qcxr.analysis.inputs`). issues: films left out, see
    `qcxr.analysis.cards.left_out`. notes: sentences about the data. config: the resolved configuration. protocol: the
    study is the paper's, so its numbers are set beside ours. demo: the films were generated, and the report says so at
    its head.

    The same inputs give the same bytes. Raises InputError on a missing or malformed input.
    """
    values = {"metrics": load("metrics", metrics), "tests": load("tests", tests)}
    optional = {"counts": counts, "parameters": parameters, "bootstrap": bootstrap, "benchmark": benchmark}
    for kind, paths in optional.items():
        values[kind] = None if paths is None else load(kind, paths)
    run_list = load("runs", runs) if many(runs) else []
    built = tables.build(
        metrics=values["metrics"], tests=values["tests"], runs=run_list, label_counts=values["counts"],
        parameter_counts=values["parameters"], benchmark_steps=values["benchmark"], bootstrap=values["bootstrap"],
        protocol=protocol,
    )  # fmt: skip
    shown = [_table(frame, name) for name, frame in built.items()]
    by_name = dict(zip(built, shown, strict=True))
    sections = [
        _section("result", "Result", texts=_result(values["tests"]), tables=_only(by_name, "means")),
        _section("run", "What was run", facts=_facts(run_list, values["metrics"]), tables=_only(by_name, "runs"),
                 blocks=_configuration(config)),
        _section("data", "Data", texts=[*left_out(issues), *notes], tables=_only(by_name, "counts")),
        _section("figures", "Figures", figures=gallery(figure_paths, tasks=set(values["metrics"]["task"]))),
        _section("tables", "Tables", tables=_only(by_name, *TABLES)),
        _section("paper", "Paper against here", tables=_only(by_name, "paper")),
        _section("deviations", "Deviations from the paper", tables=_deviations(config)),
        _section("limits", "Limits", points=LIMITS),
    ]  # fmt: skip
    lead = f"{DEMO} {_lead(values['metrics'])}" if demo else _lead(values["metrics"])
    html = _template("report.html.j2").render(
        title=title, lead=lead, css=_text("report.css"), js=_text("report.js"),
        sections=[s for s in sections if any(s[part] for part in PARTS)],
    )  # fmt: skip
    write_text(html, out)


def templates() -> list[str]:
    """Return the paths of the page's template, style and script, for a rule's inputs: code hashes do not see them."""
    folder = resources.files("qcxr.analysis").joinpath("templates")
    return [str(folder.joinpath(name)) for name in ("report.html.j2", "report.css", "report.js")]


def _text(name: str) -> Markup:
    return Markup(resources.files("qcxr.analysis").joinpath("templates", name).read_text(encoding="utf-8"))


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("qcxr.analysis"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template(name)


def _section(name: str, title: str, **parts) -> dict:
    return {"id": name, "title": title} | {part: [] for part in PARTS} | parts


def _only(by_name: dict, *names: str) -> list[dict]:
    return [by_name[name] for name in names if name in by_name]


def _table(frame: pd.DataFrame, name: str, *, caption: str | None = None) -> dict:
    right = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame]
    return {
        "caption": caption or tables.CAPTIONS[name],
        "columns": list(frame.columns),
        "rows": formats.as_text(frame).to_numpy().tolist(),
        "right": right,
        "folded": name in FOLDED,
    }


def _configuration(config: Mapping | None) -> list[dict]:
    text = json.dumps(config, indent=1, sort_keys=True, default=str) if config else ""
    return [{"title": "Configuration", "text": text}] if text else []


def _deviations(config: Mapping | None) -> list[dict]:
    here = departures(config)
    settings = pd.DataFrame(here, columns=["Setting", "Paper", "Here"])
    points = pd.DataFrame(DEVIATIONS, columns=list(COLUMNS))
    said = "What the paper says, what the published code does, what this project does."
    shown = [_table(settings, "settings", caption="Settings of this study that are not the paper's.")] if here else []
    return [*shown, _table(points, "deviations", caption=said)]


def _lead(metrics: pd.DataFrame) -> str:
    tasks = ", ".join(task_name(task) for task in task_order(metrics["task"]))
    heads = ", ".join(head_name(head) for head in head_order(metrics["head"]))
    datasets = ", ".join(dataset_name(name) for name in dataset_order(metrics["dataset"]))
    seeds = metrics["seed"].nunique()
    return f"Tasks {tasks}; heads {heads}; {seeds} paired seed{'s' * (seeds != 1)}; tested on {datasets}."


def _result(tests: pd.DataFrame) -> list[str]:
    """Say in words, per pair of heads, what the mean AUROC shows."""
    rows = tests[(tests["label"] == "mean") & (tests["metric"] == "auroc")]
    texts = []
    for (first, other), part in rows.groupby(["head_a", "head_b"], sort=False):
        better = part[part["difference"] > 0]
        sure = int(part["significant"].astype(bool).sum())
        texts.append(
            f"{head_name(first)} has a higher mean AUROC than {head_name(other)} in {len(better)} of {len(part)} "
            f"comparisons of task and test set; {sure} of the {len(part)} differences are significant by the paired "
            "t-test over seeds."
        )
    return texts


def _facts(runs: Sequence[Mapping], metrics: pd.DataFrame) -> list[tuple[str, str]]:
    facts = [("Runs", str(metrics.groupby(["task", "head", "seed"]).ngroups))]
    for name, key in (("Device", "device"), ("Commit", "git"), ("Code hash", "code_hash"), ("Data hash", "data_hash")):
        found = sorted({_said(run[key]) for run in runs if run.get(key)})
        if found:
            facts.append((name, ", ".join(found)))
    versions = {f"{name} {version}" for run in runs for name, version in (run.get("versions") or {}).items()}
    if versions:
        facts.append(("Versions", ", ".join(sorted(versions))))
    spent = [hours(run) for run in runs if hours(run) is not None]
    if spent:
        facts.append(("Device-hours", f"{sum(spent):.3g} in all, {min(spent):.2g} to {max(spent):.2g} per run"))
    return facts


def _said(value: object) -> str:
    return " + ".join(str(v)[:16] for v in value) if isinstance(value, list) else str(value)
