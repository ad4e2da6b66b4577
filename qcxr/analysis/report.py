"""One self-contained HTML file: what was run, on what, with which result; it needs no network and no other file."""

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from qcxr.analysis import formats, tables, wording
from qcxr.analysis.deviations import COLUMNS, departures, deviations
from qcxr.analysis.facts import Facts, Study
from qcxr.analysis.gallery import gallery
from qcxr.analysis.inputs import hours, known_versions
from qcxr.analysis.limits import limits, title
from qcxr.analysis.results import Results
from qcxr.study.files import write_text

FOLDED = {"labels", "alone", "scores", "runs", "paper", "bootstrap", "varied"}
DEMO = "Generated films, drawn by a program: the numbers show that the pipeline works, and nothing about patients."
OF_ONE_VARIANT = ("means", "groups", "labels", "alone", "scores", "bootstrap")
TABLES = ("groups", "labels", "alone", "scores", "bootstrap", "parameters", "benchmark")
PARTS = ("texts", "facts", "tables", "figures", "points", "blocks")
Section = dict[str, Any]


def write_report(
    out: str | Path,
    results: Results,
    study: Study = Study(),  # noqa: B008  (frozen)
    *,
    figures: Sequence[str | Path] = (),
) -> None:
    """Write the report to `out`.

    figures: PNG files; a file's stem is its figure's name (see `qcxr.analysis.figures`), `circuit...` is the circuit
    drawing, of other PNGs the name is the caption. A study of the paper's protocol has the paper's numbers beside its
    own; a report of drawn films says so at its head.

    The same inputs give the same bytes. Raises InputError on a missing or malformed figure.
    """
    facts = results.facts(study)
    sections = _sections(results, study, facts, gallery(figures, facts))
    lead = f"{DEMO} {wording.lead(facts)}" if study.demo else wording.lead(facts)
    html = _template("report.html.j2").render(
        title=study.title or title(facts),
        lead=lead,
        css=_text("report.css"),
        js=_text("report.js"),
        sections=[s for s in sections if any(s[part] for part in PARTS)],
    )
    write_text(html, out)


def _sections(results: Results, study: Study, facts: Facts, drawn: Sequence[Section]) -> list[Section]:
    """Every section in order, also those that have nothing to say; drawn: the figures by kind."""
    shown = _tables(results, study)
    result = "means" if "means" in shown else "scores"  # without a pair of heads there is nothing to compare
    return [
        _section("result", "Result", texts=wording.result(results, facts), tables=_only(shown, result)),
        _section("heads", "Heads", tables=_only(shown, "heads")),
        _section(
            "varied",
            "Varied",
            texts=wording.varied(results.outline),
            tables=_only(shown, "varied"),
            figures=_of(drawn, "vary"),
        ),
        _section(
            "search",
            "Search",
            texts=wording.search(results.search, study.config),
            tables=_only(shown, "search"),
            figures=_of(drawn, "search"),
        ),
        _section(
            "run",
            "What was run" if facts.trained else "What was read",
            facts=_facts(results),
            tables=_only(shown, "runs"),
            blocks=_configuration(study.config),
        ),
        _section("data", "Data", texts=list(study.notes), tables=_only(shown, "counts")),
        _section("figures", "Figures", figures=[group for group in drawn if group["name"] not in ("vary", "search")]),
        _section("tables", "Tables", tables=_only(shown, *(name for name in TABLES if name != result))),
        _section("paper", "Paper against here", tables=_only(shown, "paper")),
        _section("deviations", "Deviations from the paper", tables=_deviations(facts, study.config)),
        _section("limits", "Limits", points=limits(facts)),
    ]


def _tables(results: Results, study: Study) -> dict[str, Section]:
    """Every table by name; where something varies, all but the one of what varies hold the base variant's runs."""
    built = tables.build(results, protocol=study.protocol)
    captions = tables.captions(results)
    if results.outline.varied:
        at_base = tables.build(results.at_base())
        built = {name: at_base.get(name) if name in OF_ONE_VARIANT else frame for name, frame in built.items()}
        base = results.outline.said(results.outline.base)
        for name in OF_ONE_VARIANT:
            captions[name] += f" Here of {base}; other variants are among the study's tables."
    return {name: _table(frame, name, caption=captions[name]) for name, frame in built.items() if frame is not None}


def _of(groups: Sequence[Section], name: str) -> list[Section]:
    return [group for group in groups if group["name"] == name]


def _text(name: str) -> Markup:
    return Markup(resources.files("qcxr.analysis").joinpath("templates", name).read_text(encoding="utf-8"))


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("qcxr.analysis"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def _section(name: str, title: str, **parts: object) -> Section:
    return {"id": name, "title": title} | {part: [] for part in PARTS} | parts


def _only(shown: Mapping[str, Section], *names: str) -> list[Section]:
    return [shown[name] for name in names if name in shown]


def _table(frame: pd.DataFrame, name: str, *, caption: str | None = None) -> Section:
    right = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame]
    return {
        "caption": caption or tables.CAPTIONS[name],
        "columns": list(frame.columns),
        "rows": formats.as_text(frame).to_numpy().tolist(),
        "right": right,
        "folded": name in FOLDED,
    }


def _configuration(config: Mapping[str, Any] | None) -> list[Section]:
    text = json.dumps(config, indent=1, sort_keys=True, default=str) if config else ""
    return [{"title": "Configuration", "text": text}] if text else []


def _deviations(facts: Facts, config: Mapping[str, Any] | None) -> list[Section]:
    here = departures(config)
    settings = pd.DataFrame(here, columns=["Setting", "Paper", "Here"])
    points = pd.DataFrame(deviations(facts), columns=list(COLUMNS))
    said = "What the paper says, what the published code does, what this project does."
    shown = [_table(settings, "settings", caption="Settings of this study that are not the paper's.")] if here else []
    return [*shown, _table(points, "deviations", caption=said)]


def _facts(results: Results) -> list[tuple[str, str]]:
    runs = results.runs
    facts = [("Runs", str(results.metrics.groupby(["task", "head", "seed"]).ngroups))]
    for name, key in (("Device", "device"), ("Commit", "git"), ("Code hash", "code_hash"), ("Data hash", "data_hash")):
        found = sorted({_said(run[key]) for run in runs if run.get(key)})
        if found:
            facts.append((name, ", ".join(found)))
    if versions := known_versions(runs):
        facts.append(("Versions", ", ".join(versions)))
    spent = [taken for run in runs if (taken := hours(run)) is not None]
    if spent:
        facts.append(("Device-hours", f"{sum(spent):.3g} in all, {min(spent):.2g} to {max(spent):.2g} per run"))
    return facts


def _said(value: object) -> str:
    return " + ".join(str(v)[:16] for v in value) if isinstance(value, list) else str(value)
