"""README.md of an archive: what is what in it, how to check it, and how to do its analysis again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qcxr import __version__
from qcxr.analysis.names import head_name, task_name
from qcxr.study.studied import Studied

PARTS = (
    (
        "results/",
        "the study's results, laid out as the workflow wrote them: `report.html` first, then `tables/`, `figures/`",
    ),
    ("results/runs/", "each run: `run.json` (its settings, versions, times), losses, metrics, {kept}"),
    ("config.yaml, config.json", "the configuration as written, and with all defaults filled in"),
    ("archive.json", "what of the study its analysis must know; `qcxr evaluate` reads it"),
    ("runs.csv", "every run and test set with its predictions, for `qcxr evaluate runs.csv` and other programs"),
    ("study/", "the workflow as it stood here when the archive was written, and the plug-ins it named"),
    (
        "versions.json, requirements.txt",
        "commits and versions of what trained, and every package of the archiving environment",
    ),
    ("ro-crate-metadata.json", "all of this for machines: a Workflow Run RO-Crate"),
    ("SHA256SUMS", "the checksum of every file but itself"),
)
EVALUATE = """
## Do the analysis again

```
qcxr evaluate {name} --out again                  # this folder, or its zip: from the predictions to the same report
qcxr evaluate {name}/runs.csv --out other --alpha 0.01   # the same predictions by other rules, or beside your own
```

The first scores the predictions, compares the heads and draws everything again, by the configuration in here, and says
which files differ from those in here. With the versions of `requirements.txt` on the same kind of processor none do;
elsewhere last digits, and so figures, may. Trainings are not repeated: for that, see `study/`.
"""


def page(study: Studied, facts: Mapping[str, Any], *, name: str, title: str, license: str) -> str:
    """The text. facts: what `versions.json` says, and `weights`, `films`, `missing`, `masked`. name: of the archive."""
    films, weights = facts["films"], facts["weights"]
    kept = "predictions" if films else "without predictions"
    kept += {"all": " and weights", "best": "; weights of the best seed of each head", "none": ""}[weights]
    heads = ", ".join(head_name(head) for head in study.heads)
    tasks = ", ".join(task_name(task) for task in study.tasks)
    lines = [
        f"# {title}",
        "",
        f"A study of qcxr: {heads} for {tasks}, {len(study.seeds)} seed{'s' * (len(study.seeds) > 1)}, trained on "
        f"{study.trained_on}, tested on {', '.join(study.test_on)}. Written by `qcxr archive`, version {__version__}.",
        "",
        *_notes(study, facts),
        "| what | is |",
        "|---|---|",
        *(f"| `{where}` | {said.format(kept=kept)} |" for where, said in PARTS if films or where != "runs.csv"),
        "",
        "`sha256sum -c SHA256SUMS` checks it. Without a network: everything it needs is in here.",
        EVALUATE.format(name=name) if films else "\n" + _without_films(),
        "## Rights",
        "",
        f"{license} The programs are under their own licences, qcxr under MIT's. {_of_films(films)}",
        "",
        "**Research software, not a medical device.**",
        "",
    ]
    return "\n".join(lines)


def _notes(study: Studied, facts: Mapping[str, Any]) -> Sequence[str]:
    """What a reader must know first."""
    found = []
    if study.demo:
        found.append("**Its films were drawn by a program: its numbers say nothing about patients.**")
    if facts["missing"]:
        found.append(f"**Not finished: {facts['missing']:,} of its files were not there when it was archived.**")
    if any(commit.endswith("+changes") for commit in facts["commits"]):
        found.append(
            "Some runs were trained by code with changes that no commit holds: `versions.json` says which commit."
        )
    if facts["masked"]:
        found.append(
            "Absolute paths of the machine it was made on are rewritten as `elsewhere/...`, `here` and `home`."
        )
    return [line for note in found for line in (note, "")]


def _without_films() -> str:
    return (
        "Nothing of single films or patients is in here, predictions neither, so the analysis cannot be done again "
        "from it: the tables and metrics are what there is.\n"
    )


def _of_films(films: bool) -> str:
    if not films:
        return "No table in here names a film or a patient."
    return (
        "Tables of predictions, `results/manifest`, `results/audit` and `results/leaks` hold names, labels, sex, age "
        "and view of single films as their data sets give them, whose licences say whether they may be passed on."
    )
