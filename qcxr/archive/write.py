"""A study's results -> one folder or zip: what is in it, in what order it is made, and when it is refused."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from qcxr import __version__
from qcxr.analysis.layout import Layout
from qcxr.archive import bundle, checksums
from qcxr.archive.bundle import FORMAT
from qcxr.archive.contents import Contents, Weights, contents
from qcxr.archive.crate import FILE, About, Training, crate
from qcxr.archive.masks import Masks, Plain
from qcxr.archive.page import page
from qcxr.archive.runlist import runlist
from qcxr.errors import InputError
from qcxr.study import digests, folders
from qcxr.study.config import Config
from qcxr.study.files import make_parent, said_plainly, write_csv, write_json, write_text
from qcxr.study.provenance import digest_file
from qcxr.study.studied import studied
from qcxr.training.status import events

UNSTATED = "No licence is stated: ask the authors before these results are used again."
WORKFLOW = (".smk", ".py", ".rst", ".yaml")


@dataclass(frozen=True)
class Choice:
    """What an archive holds, and what authors say of it.

    weights, films: as of `qcxr.archive.contents.contents`. partial: archive what there is of an unfinished study.
    paths: keep paths of this machine as they are. title: by default the study's heads and tasks. authors: `Name` or
    `Name, ORCID`. license: a URL or a sentence.
    """

    weights: Weights = "best"
    films: bool = True
    partial: bool = False
    paths: bool = False
    title: str = ""
    authors: Sequence[str] = ()
    license: str = UNSTATED


def write(
    cfg: Config,
    raw: Mapping[str, Any],
    out: Path,
    choice: Choice = Choice(),
    *,
    configfiles: Sequence[str] = (),
    say: Callable[[str], None] = lambda line: None,
) -> Contents:
    """Archive the study in `out`, a new folder or a .zip; what of it is in, and what was not there.

    raw: the configuration as written. configfiles: its files, for the way out of an error. say: called with a line
    about what is on its way. The workflow is taken from this folder. The same study gives the same bytes. `out` appears
    whole or not at all. Raises `InputError` if it is there already, if the study is not finished, if a file is not what
    was written, or if a path of this machine cannot be rewritten.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} exists and is not empty; give a new folder or .zip with --out")
    if not Path("Snakefile").is_file():
        raise InputError("there is no Snakefile in this folder; run qcxr archive where you run snakemake")
    layout = Layout(studied(cfg), Path(cfg.results))
    found = contents(layout, weights=choice.weights, films=choice.films)
    if found.missing and not choice.partial:
        more = f" (and {len(found.missing) - 1:,} more)" if len(found.missing) > 1 else ""
        raise InputError(
            f"{layout.root / found.missing[0]} is not there{more}: the study is not finished; run snakemake, or "
            "archive what there is with --partial"
        )
    say(f"{len(found.there):,} files of {layout.root}")
    digests.check((layout.root / path for path in found.there), configfiles)
    with said_plainly(out):
        if out.suffix == ".zip":
            make_parent(out)
            with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
                _Archive(cfg, raw, Path(folder), choice).make(layout, found, name=out.name)
                bundle.pack(Path(folder), out)
        else:
            with folders.whole(out) as partial:
                _Archive(cfg, raw, partial, choice).make(layout, found, name=out.name)
    return found


class _Archive:
    """One archive while it is made."""

    def __init__(self, cfg: Config, raw: Mapping[str, Any], folder: Path, choice: Choice):
        self.cfg, self.raw, self.folder, self.choice = cfg, raw, folder, choice
        self.resolved = cfg.model_dump(mode="json")
        self.masks = Plain() if choice.paths else Masks(dict(raw), self.resolved)

    def make(self, layout: Layout, found: Contents, *, name: str) -> None:
        """All of it."""
        for path in tqdm(found.there, unit="file", desc="archive", disable=None, leave=False):
            self.masks.copy(layout.root / path, self.folder / "results" / path)
        for source, target in self._workflow():
            self.masks.copy(source, self.folder / "study" / target)
        runs = [_json(layout.root / path) for path in found.there if path.name == "run.json"]
        facts = self._facts(runs, found)
        study = layout.study
        self._texts(layout, facts)
        title = (
            self.choice.title
            or f"{' and '.join(study.heads)} for {', '.join(study.tasks)} ({Path(study.results).name})"
        )
        license = self.choice.license
        write_text(page(study, facts, name=name, title=title, license=license), self.folder / "README.md")
        about = About(
            title=title,
            description=f"Heads {', '.join(study.heads)} compared on chest X-rays ({', '.join(study.test_on)}): "
            "predictions, statistics, figures and the report of a study of qcxr.",
            authors=self.choice.authors,
            license=license,
            published=_ended(layout),
            trainings=_trainings(layout, found),
            snakemake=metadata.version("snakemake"),
        )
        sums = checksums.digests(self.folder)
        write_json(crate(self.folder, sums, about), self.folder / FILE)
        checksums.write(self.folder, sums | {FILE: digest_file(self.folder / FILE)})

    def _texts(self, layout: Layout, facts: Mapping[str, Any]) -> None:
        """Configuration, versions, and what the analysis must know."""
        text = yaml.safe_dump(self.masks.value(dict(self.raw)), sort_keys=False, allow_unicode=True)
        write_text(text, self.folder / "config.yaml")
        write_json(self.masks.value(self.resolved), self.folder / "config.json")
        study = self.masks.value(layout.study.model_dump(mode="json"))
        films = self.choice.films
        head = {"format": FORMAT, "written_by": f"qcxr {__version__}", "films": films}
        write_json(head | {"study": study}, self.folder / "archive.json")
        write_json(facts, self.folder / "versions.json")
        installed = {f"{one.name}=={one.version}" for one in metadata.distributions()}
        write_text("\n".join(sorted(installed, key=str.lower)) + "\n", self.folder / "requirements.txt")
        if films:
            write_csv(runlist(layout), self.folder / "runs.csv")

    def _facts(self, runs: Sequence[Mapping[str, Any]], found: Contents) -> dict[str, Any]:
        """What `versions.json` says."""
        trained: dict[str, list[str]] = {}
        for run in runs:
            for name, version in (run.get("versions") or {}).items():
                if version not in trained.setdefault(name, []):
                    trained[name] = sorted([*trained[name], version])
        return {
            "qcxr": __version__,
            "commits": sorted({str(run.get("git") or "unknown") for run in runs}),
            "devices": sorted({str(run.get("device_kind") or run.get("device")) for run in runs}),
            "trained_with": trained,
            "weights": self.choice.weights,
            "films": self.choice.films,
            "missing": len(found.missing),
            "masked": not self.choice.paths,
        }

    def _workflow(self) -> Iterator[tuple[Path, Path]]:
        """The workflow's files and those of plug-ins, and where they lie in the archive."""
        yield Path("Snakefile"), Path("Snakefile")
        for folder in ("workflow", "profiles"):
            files = sorted(path for path in Path(folder).rglob("*") if path.suffix in WORKFLOW and path.is_file())
            yield from ((path, path) for path in files)
        listed = [entry for entry in self.cfg.plugins if entry.endswith(".py")]
        made = {**self.cfg.arms, **self.cfg.trials}.values()
        listed += [
            str(recipe.head_options["function"]).rpartition(":")[0] for recipe in made if recipe.kind == "circuit"
        ]
        yield from ((Path(entry).expanduser(), Path(self.masks.text(entry))) for entry in dict.fromkeys(listed))


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:
        raise InputError(f"{path} is damaged: it holds no JSON object; remove its folder and run snakemake") from None


def _trainings(layout: Layout, found: Contents) -> list[Training]:
    """The runs in the archive, and when they were trained as far as their progress files say."""
    trained = []
    there = {path.parent.as_posix() for path in found.there if path.name == "run.json"}
    for run in (*layout.study.searching, *layout.study.runs):
        if f"runs/{run.name}" not in there:
            continue
        seen = events(layout.root / "progress" / f"{run.name}.jsonl")
        last = max((k for k, event in enumerate(seen) if event.get("state") == "started"), default=0)
        times = {str(event.get("state")): float(event["time"]) for event in seen[last:] if "time" in event}
        trained.append(Training(f"results/runs/{run.name}", times.get("started"), times.get("done")))
    return trained


def _ended(layout: Layout) -> float:
    """When the study ended: when its report was written, or else the last of what is there."""
    report = layout.root / "report.html"
    files = [report] if report.is_file() else [path for path in layout.root.rglob("*") if path.is_file()]
    return max((path.stat().st_mtime for path in files), default=0.0)
