"""One self-contained HTML file: what was run, on what, with which result; it needs no network and no other file."""

import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from qcxr.analysis import captions, formats, ladder, panels, tables, wording
from qcxr.analysis.answer import answer
from qcxr.analysis.deviations import COLUMNS, departures, deviations
from qcxr.analysis.facts import Facts, Study
from qcxr.analysis.gallery import gallery
from qcxr.analysis.inputs import hours, known_versions
from qcxr.analysis.limits import limits, title
from qcxr.analysis.names import head_name
from qcxr.analysis.predictions import MEANS
from qcxr.analysis.results import Results
from qcxr.analysis.sections import DRAWN_HERE, SECTIONS, placed, said
from qcxr.study import spent as energy
from qcxr.study.files import write_text

FOLDED = {"labels", "alone", "scores", "runs", "paper", "bootstrap", "varied"}
LONG = 40  # rows: longer tables are folded too
DEMO = "Generated films, drawn by a program: the numbers show that the pipeline works, and nothing about patients."
OF_ONE_VARIANT = ("means", "groups", "labels", "alone", "scores", "bootstrap")
PARTS = ("texts", "facts", "charts", "tables", "figures", "points", "blocks")
LADDER = "What each rung takes from the dressed circuit, its mean AUROC, and differences with intervals where tested."
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
    sections = [s for s in _sections(results, study, facts, gallery(figures, facts)) if any(s[part] for part in PARTS)]
    _number(sections)
    html = _template("report.html.j2").render(
        title=study.title or title(facts),
        demo=DEMO if study.demo else "",
        answer=answer(results, facts),
        lead=wording.lead(facts),
        css=_text("report.css"),
        js=_text("report.js"),
        labels=_findings(results),
        sections=sections,
    )
    write_text(html, out)


def _sections(results: Results, study: Study, facts: Facts, drawn: Sequence[Section]) -> list[Section]:
    """Every section in order, also those that have nothing to say; drawn: the figures by kind."""
    shown, texts, charts = _tables(results, study, facts), said(results, facts, study), _charts(results, facts)
    if "means" not in shown and "scores" in shown:  # without a pair of heads there is nothing to compare
        shown = {"means": shown["scores"] | {"folded": False}} | {k: v for k, v in shown.items() if k != "scores"}
    kinds = {chart["kind"] for found in charts.values() for chart in found}
    figures = {group["name"]: group for group in drawn if DRAWN_HERE.get(group["name"]) not in kinds}
    tables_at, figures_at = placed(shown, "tables"), placed(figures, "figures")
    more: dict[str, Section] = {
        "run": {"facts": _facts(results, study), "blocks": _configuration(study.config)},
        "deviations": {"tables": _deviations(facts, study.config)},
        "limits": {"points": limits(facts)},
    }
    sections = []
    for name, place in SECTIONS.items():
        heading = "What was read" if name == "run" and facts.foreign else place.title
        section: Section = {"id": name, "title": heading} | {part: [] for part in PARTS}
        section |= {"texts": texts.get(name, []), "charts": charts.get(name, [])}
        section["tables"] = [shown[table] for table in tables_at.get(name, [])]
        section["figures"] = [figures[figure] for figure in figures_at.get(name, [])]
        sections.append(section | more.get(name, {}))
    return sections


def _charts(results: Results, facts: Facts) -> dict[str, list[Section]]:
    """The report's own charts by section: with many heads the first screen has a row per head, else one per label."""
    of_heads, of_labels = panels.of_heads(results, facts), panels.of_labels(results, facts)
    charts = {"result": [*of_heads.values()][:1] or of_labels, "labels": of_labels if of_heads else []}
    charts["labels"] = [*charts["labels"], *panels.of_evidence(results, facts)]
    if heads := ladder.rungs(facts):
        of_rungs = panels.of_heads(results, facts, heads=heads)
        shown = ladder.circuit(facts) if ladder.circuit(facts) in of_rungs else next(iter(of_rungs), "")
        charts["ladder"] = [chart for reference, chart in of_rungs.items() if reference == shown]
        of_heads = {reference: chart for reference, chart in of_heads.items() if reference != shown}
    charts["means"] = [chart for reference, chart in of_heads.items() if chart not in charts["result"]]
    for found in charts.values():
        for k, chart in enumerate(found):
            chart["folded"] = k > 1 and chart["kind"] != "heads" and len(of_labels) > 2
            if chart["table"] is not None:
                chart["table"] = _table(chart["table"], caption=f"The numbers of this figure: {chart['title']}.")
    return {name: found for name, found in charts.items() if found}


def _number(sections: Sequence[Section]) -> None:
    """Give figures and tables their numbers, in the order of the page."""
    figures, numbered = count(1), count(1)
    for section in sections:
        for figure in (*section["charts"], *section["figures"]):
            figure["number"] = next(figures)
        for table in section["tables"]:
            table["number"] = next(numbered)


def _findings(results: Results) -> list[str]:
    """The labels of all tasks, for the page's filter."""
    return [label for label in dict.fromkeys(results.metrics["label"]) if label not in MEANS]


def _tables(results: Results, study: Study, facts: Facts) -> dict[str, Section]:
    """Every table by name; where something varies, all but the one of what varies hold the base variant's runs."""
    of_one = OF_ONE_VARIANT if results.outline.varied else ()
    built = tables.build(results, protocol=study.protocol, names=[n for n in captions.CAPTIONS if n not in of_one])
    said = captions.captions(results)
    if of_one:
        base = results.at_base()
        made, of_base = tables.build(base, names=of_one), captions.captions(base)
        here = f"Here of {facts.base}; other variants are among the study's tables."
        said |= {name: f"{of_base[name]} {here}" for name in of_one}
        built = {name: (built | made)[name] for name in captions.CAPTIONS if name in built or name in made}
    if ladder.rungs(facts):
        built["ladder"], said["ladder"] = ladder.table(results, facts), LADDER
    return {
        name: _table(frame, caption=said[name], name=name, folded=name in FOLDED or len(frame) > LONG)
        for name, frame in built.items()
        if len(frame)
    }


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


def _table(frame: pd.DataFrame, *, caption: str, name: str = "", folded: bool = False) -> Section:
    """A table as the page shows it: cells as text; the label of each row, if it has one, for the page's filter."""
    right = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame]
    rows = formats.as_text(frame).to_numpy().tolist()
    place = list(frame.columns).index("Label") if "Label" in frame else None
    return {
        "id": name,
        "caption": caption,
        "short": re.split(r"[.:;?] ", caption, maxsplit=1)[0].rstrip("."),
        "columns": list(frame.columns),
        "rows": [("" if place is None else row[place], row) for row in rows],
        "right": right,
        "folded": folded,
    }


def _configuration(config: Mapping[str, Any] | None) -> list[Section]:
    text = json.dumps(config, indent=1, sort_keys=True, default=str) if config else ""
    return [{"title": "Configuration", "text": text}] if text else []


def _deviations(facts: Facts, config: Mapping[str, Any] | None) -> list[Section]:
    here = departures(config)
    settings = pd.DataFrame(here, columns=["Setting", "Paper", "Here"])
    points = pd.DataFrame(deviations(facts), columns=list(COLUMNS))
    caption = "What the paper says, what the published code does, what this project does."
    shown = []
    if here:
        shown = [_table(settings, name="settings", caption="Settings of this study that are not the paper's.")]
    return [*shown, _table(points, name="points", caption=caption)]


def _facts(results: Results, study: Study) -> list[tuple[str, str]]:
    runs = results.runs
    facts = [("Runs", str(results.metrics.groupby(["task", "head", "seed"]).ngroups)), *study.read.items()]
    for name, key in (("Device", "device"), ("Commit", "git"), ("Code hash", "code_hash"), ("Data hash", "data_hash")):
        found = sorted({_said(run[key]) for run in runs if run.get(key)})
        if found:
            facts.append((name, ", ".join(found)))
    if versions := known_versions(runs):
        facts.append(("Versions", ", ".join(versions)))
    spent = [taken for run in runs if (taken := hours(run)) is not None]
    if spent:
        facts.append(("Device-hours", f"{sum(spent):.3g} in all, {min(spent):.2g} to {max(spent):.2g} per run"))
    if told := energy.said((head_name(run["head"]), run.get("kwh")) for run in runs):
        facts.append(("Energy of the training", told))
    return facts


def _said(value: object) -> str:
    return " + ".join(str(v)[:16] for v in value) if isinstance(value, list) else str(value)
