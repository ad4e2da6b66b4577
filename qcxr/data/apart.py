"""Whether the training, validation and test films of a study are of different patients, before anything is trained.

Ids are compared as soon as label files are there, pixels once films are cached. The check before training looks at the
test films too, though no run depends on them: a study that tests on more later trains nothing again, and what it adds
is looked at before it is predicted.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from qcxr.data.cache import build
from qcxr.data.contract import check
from qcxr.data.csvfile import read_table
from qcxr.data.films import of_study
from qcxr.data.leaks import COLUMNS, leaks, refuse, said, used, with_pixels
from qcxr.data.manifest import read_manifest
from qcxr.data.sources import read
from qcxr.errors import InputError
from qcxr.study.config import Config
from qcxr.study.files import write_csv


def read_listed(cfg: Config) -> dict[str, pd.DataFrame]:
    """What the label files of a study's sources list, by source; those that are not there yet are passed over.

    Never a manifest that was made before: it may be of other keys. Raises InputError for what no manifest can be.
    """
    return {name: _read(cfg, name) for name in cfg.splits() if _is_there(cfg, name)}


def as_listed(
    cfg: Config, films: Mapping[str, pd.DataFrame] | None = None, *, listed: str | Path | None = None
) -> pd.DataFrame:
    """The leaks that the label files of a study tell; where they lie, if there are any, in `listed`.

    films: as of `read_listed`, if they have been read already. Raises InputError for what `data.leaks` does not allow.
    """
    frames, used_of = read_listed(cfg) if films is None else films, cfg.splits()
    known = [_films(cfg, name, frame[frame["split"].isin(used_of[name])]) for name, frame in frames.items()]
    found = leaks(pd.concat(known, ignore_index=True)) if known else pd.DataFrame(columns=list(COLUMNS))
    refuse(found, listed=listed, allowed=cfg.data.leaks == "allow")
    return found


def refuse_standing(cfg: Config) -> None:
    """Raise InputError if lists of an earlier run have leaks that `data.leaks` allowed then and does not allow now.

    Rules that look for leaks have no parameters (what they write is an input of training), so they do not run again
    when the key changes.
    """
    names = ["before-training", *(f"test-{name}" for name in cfg.data.test_on)]
    for path in (Path(cfg.results, "leaks", f"{name}.csv") for name in names):
        if cfg.data.leaks == "allow" or not path.is_file():
            continue
        if len(found := read_table(path, required=COLUMNS, what="list of leaks")):
            raise InputError(
                f"data.leaks must be allow, as when {path} was written, which lists {said(found)}, got "
                f"{cfg.data.leaks}; correct the label files and delete that file, or allow leaks again"
            )


def before_training(cfg: Config, manifests: Sequence[str | Path], *, out: Path, listed: Path, workers: int = 1) -> None:
    """Write the leaks between training and validation to `out`, when there are none into the tests either.

    manifests: of the sources that are trained on, in their order; their films are cached. Test films are cached here
    if that is not done yet: they will be needed, and no film is decoded twice. Raises InputError as `as_listed`.
    """
    allowed = cfg.data.leaks == "allow"
    learned = [_seen(cfg, name, _learned(path)) for name, path in zip(cfg.data.training, manifests, strict=True)]
    tested = []
    for name in [] if allowed else cfg.data.test_on:
        frame = _tested(_read(cfg, name))
        # what is missing or unreadable is the cache step's to refuse
        build(frame, of_study(cfg, name), workers=workers, max_missing=1.0)
        tested.append(_seen(cfg, name, frame))
    refuse(leaks(pd.concat([*learned, *tested], ignore_index=True)), listed=listed, allowed=allowed)
    write_csv(leaks(pd.concat(learned, ignore_index=True)), out)


def before_testing(cfg: Config, dataset: str, manifests: Sequence[str | Path], *, out: Path, listed: Path) -> None:
    """Write the leaks from training and validation into the test films of a data set to `out`.

    manifests: of the sources that are trained on, in their order, then of the data set; their films are cached. Raises
    InputError as `as_listed`.
    """
    *own, its = manifests
    known = [_seen(cfg, name, _learned(path)) for name, path in zip(cfg.data.training, own, strict=True)]
    known.append(_seen(cfg, dataset, _tested(read_manifest(its))))
    found = leaks(pd.concat(known, ignore_index=True))
    found = found[found["where"].str.endswith(" test")].reset_index(drop=True)  # the others are told before training
    refuse(found, listed=listed, allowed=cfg.data.leaks == "allow")
    write_csv(found, out)


def _learned(manifest: str | Path) -> pd.DataFrame:
    frame = read_manifest(manifest)
    return frame[frame["split"] != "test"].reset_index(drop=True)


def _tested(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["split"] == "test"].reset_index(drop=True)


def _seen(cfg: Config, name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Films of a source as `leaks` takes them, with what the network sees of them."""
    return with_pixels(_films(cfg, name, frame), frame["path"], of_study(cfg, name))


def _films(cfg: Config, name: str, frame: pd.DataFrame) -> pd.DataFrame:
    return used(frame, name, images=cfg.data.sources[name].images)


def _read(cfg: Config, name: str) -> pd.DataFrame:
    source = cfg.data.sources[name]
    return check(read(source.kind, **source.reader_options()))


def _is_there(cfg: Config, name: str) -> bool:
    return all(Path(path).exists() for paths in cfg.data.sources[name].paths().values() for path in paths)
