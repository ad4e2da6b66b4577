"""What an archive is, in words that machines read: a Workflow Run RO-Crate (process, workflow and provenance 0.5).

Of the workflow's steps the trainings are described one by one, with the times that their progress files give; of the
other jobs no record is kept, and so none is claimed.
"""

from __future__ import annotations

import datetime
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from qcxr import __version__

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
WORKFLOW, TRAINING, FILE = "study/Snakefile", "study/workflow/scripts/train.py", "ro-crate-metadata.json"
COMPLETED = "http://schema.org/CompletedActionStatus"
NAMED = {
    "README.md": "What is what in this archive",
    "config.yaml": "The study's configuration as it was written",
    "config.json": "The study's configuration with all defaults filled in",
    "archive.json": "What of the study its analysis must know",
    "runs.csv": "All runs and test sets with their predictions",
    "versions.json": "Versions and commits that the study was made with",
    "requirements.txt": "Every Python package that was installed when the archive was written",
    "results/report.html": "The study's report",
    "results/model-card.md": "Model card",
    "results/data-card.json": "Data card (Croissant)",
    "results/checklist.md": "Reporting checklists",
}

SPECIAL = {
    TRAINING: {
        "@type": ["File", "SoftwareSourceCode", "SoftwareApplication"],
        "name": "Training of one run",
        "version": __version__,
    }
}


@dataclass(frozen=True)
class Training:
    """One run that was trained: its folder in the archive, and when, in seconds since 1970; None where not known."""

    folder: str
    started: float | None
    ended: float | None


@dataclass(frozen=True)
class About:
    """What authors say of an archive, and what is known of the study's making.

    authors: names, each with an ORCID behind a comma if there is one. license: a URL or a sentence. published: when the
    study ended, in seconds since 1970. snakemake: its version.
    """

    title: str
    description: str
    authors: Sequence[str]
    license: str
    published: float
    trainings: Sequence[Training]
    snakemake: str


def crate(root: Path, files: Mapping[str, str], about: About) -> dict[str, Any]:
    """The metadata of the archive in folder `root`, as JSON-LD. files: name -> SHA-256, of all but the metadata."""
    made = Crate(root, files, about)
    made.say_who()
    made.say_workflow()
    made.say_run()
    return made.crate.metadata.generate()


class Crate:
    """The entities of one archive."""

    def __init__(self, root: Path, files: Mapping[str, str], about: About):
        self.about, self.crate = about, ROCrate(version="1.1")
        self.whole = self.crate.root_dataset
        self.workflow = self.crate.add_workflow(
            root / WORKFLOW,
            WORKFLOW,
            main=True,
            lang="snakemake",
            properties={
                **_described(root, WORKFLOW, files),
                "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
                "name": "qcxr: heads on chest X-rays, from films to a report",
                "version": __version__,
            },
        )
        self.parts = {
            name: self.crate.add_file(root / name, name, properties=_described(root, name, files))
            for name in files
            if name != WORKFLOW
        }

    def add(self, identity: str, kind: str, **properties: Any) -> ContextEntity:
        """An entity that is no file."""
        return self.crate.add(ContextEntity(self.crate, identity, properties={"@type": kind, **properties}))

    def say_who(self) -> None:
        """What the archive is, by whom, and what it conforms to."""
        whole, about = self.crate, self.about
        whole.name, whole.description = about.title, about.description
        there = about.license if about.license.startswith(("https://", "http://")) else "#license"
        whole.license = self.add(there, "CreativeWork", name=about.license)
        whole.datePublished = _time(about.published)
        kinds = [
            self.add(url, "CreativeWork", name=name, version=url.rsplit("/", 1)[1]) for url, name in PROFILES.items()
        ]
        self.whole["conformsTo"] = kinds
        self.authors = [
            self.add(_identity(author), "Person", name=author.partition(",")[0].strip()) for author in about.authors
        ]
        if self.authors:
            self.whole["author"] = _one(self.authors)
        self.parts["README.md"]["about"] = self.whole

    def say_workflow(self) -> None:
        """What the workflow takes and gives, its engine, and the step whose runs are known one by one."""
        for slot, name, file in (
            ("input", "configuration", "config.yaml"),
            ("output", "report", "results/report.html"),
        ):
            formal = self.crate.add_formal_parameter(name, "File", identifier=f"#{name}", valueRequired=slot == "input")
            self.workflow[slot] = formal
            if part := self.parts.get(file):
                part["exampleOfWork"], formal["workExample"] = formal, part
        url = "https://snakemake.github.io"
        self.engine = self.add(url, "SoftwareApplication", name="Snakemake", url=url, version=self.about.snakemake)
        self.tool = self.parts[TRAINING]
        self.step = self.add("#train", "HowToStep", name="train", position="1", workExample=self.tool)
        self.workflow["hasPart"], self.workflow["step"] = self.tool, self.step

    def say_run(self) -> None:
        """The run of the workflow, and in it each training."""
        trained = [self._trained(training) for training in self.about.trainings]
        results = [part for name, part in self.parts.items() if name.startswith("results/")]
        study = self.add(
            "#study",
            "CreateAction",
            name=f"Run of the workflow: {self.about.title}",
            description="From films and labels to statistics, figures and the report.",
            instrument=self.workflow,
            object=self.parts["config.yaml"],
            result=results,
            **_when([training.started for training in self.about.trainings], self.about.published),
        )
        controls = [
            self.add(f"#step-{k}", "ControlAction", name=f"train, job {k}", instrument=self.step, object=action)
            for k, action in enumerate(trained, 1)
        ]
        name = f"Snakemake {self.about.snakemake}"
        organized = self.add(
            "#jobs", "OrganizeAction", name=name, instrument=self.engine, object=_one(controls), result=study
        )
        for action in (study, organized, *controls, *trained):
            if self.authors:
                action["agent"] = _one(self.authors)
        self.whole["mentions"] = [study, organized, *trained]

    def _trained(self, training: Training) -> ContextEntity:
        made = [part for name, part in self.parts.items() if _of_training(name, training.folder)]
        return self.add(
            "#" + training.folder,
            "CreateAction",
            name=f"Training of {training.folder.removeprefix('results/runs/')}",
            description="One head on one backbone, from one seed.",
            instrument=self.tool,
            object=self.parts["config.yaml"],
            result=_one(made),
            **_when([training.started], training.ended),
        )


def _one(values: list[Any]) -> Any:
    """A list, or its only element: JSON-LD knows no list of one."""
    return values[0] if len(values) == 1 else values


def _of_training(name: str, folder: str) -> bool:
    """Whether a training writes the file, which then lies in its folder and not in one below it."""
    return name.rpartition("/")[0] == folder


def _described(root: Path, name: str, files: Mapping[str, str]) -> dict[str, Any]:
    kind, _ = mimetypes.guess_type(name)
    kinds = {".parquet": "application/vnd.apache.parquet", ".md": "text/markdown", ".yaml": "application/yaml"}
    said = {"encodingFormat": kinds.get(Path(name).suffix, kind or "application/octet-stream")}
    said |= {"contentSize": str((root / name).stat().st_size), "sha256": files[name]}
    return said | ({"name": NAMED[name]} if name in NAMED else {}) | SPECIAL.get(name, {})


def _identity(author: str) -> str:
    """An author's ORCID as a URL, or else a name within the archive."""
    name, _, orcid = (part.strip() for part in author.partition(","))
    return f"https://orcid.org/{orcid.rsplit('/', 1)[-1]}" if orcid else "#" + "-".join(name.split())


def _when(started: Sequence[float | None], ended: float | None) -> dict[str, str]:
    """When something began and ended, as far as it is known."""
    begun = [time for time in started if time is not None]
    said = {"startTime": _time(min(begun))} if begun else {}
    return said | ({"endTime": _time(ended), "actionStatus": COMPLETED} if ended is not None else {})


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).isoformat()
