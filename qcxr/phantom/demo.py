"""The embedded demo's data: generated chest films in the layouts of NIH-CXR-LT and MIMIC-CXR-LT.

    nih/images/00000001_000.png                           8-bit gray PNG, a few RGBA
    nih/labels/miccai2023_nih-cxr-lt_labels_{train,val,test}.csv
    nih/Data_Entry_2017_v2020.csv                         age, sex, view
    mimic/files/p10/p10000032/s50414267/<dicom_id>.jpg
    mimic/miccai2023_mimic-cxr-lt_labels_test.csv
    mimic/mimic-cxr-2.0.0-metadata.csv.gz                 ViewPosition; some films are laterals
    mimic/patients.csv.gz                                 age, sex: MIMIC-IV's table, of drawn patients

The films are drawings (`qcxr.phantom`), not patients. Same seed and sizes, same machine: same bytes, whatever the
number of workers.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from joblib import Parallel, delayed
from tqdm import tqdm

from qcxr.errors import InputError
from qcxr.phantom.film import write_film
from qcxr.phantom.mimic_files import plan_mimic
from qcxr.phantom.nih_files import plan_nih

SOURCES = ("nih", "mimic")
NOTICE = "GENERATED.txt"


@dataclass(frozen=True)
class DemoPlan:
    """All that decides the demo's films.

    train, val, test: NIH-like films per split. mimic: MIMIC-like frontal films (laterals come on top). size: the films'
    shorter side in pixels. Raises InputError for a size or seed out of range.
    """

    seed: int
    train: int = 1200
    val: int = 240
    test: int = 480
    mimic: int = 480
    size: int = 256

    def __post_init__(self) -> None:
        if self.size < 64:
            raise InputError(
                f"the demo's films must be at least 64 pixels wide, got {self.size}; set generate.size in the config"
            )
        if self.seed < 0:
            raise InputError(f"the demo's seed must be >= 0, got {self.seed}; set generate.seed in the config")


def generate(out: Path | str, demo: DemoPlan, *, workers: int = 1, progress: bool = False) -> None:
    """Write the demo's films and label files to `out`/nih and `out`/mimic.

    Each of the two folders appears only when all is drawn, and replaces an older one of the same making; what else lies
    in `out` is left alone. Raises InputError for a split too small to hold every label, for a folder that holds files
    which this function did not write, and where `out` cannot be a folder.
    """
    out = Path(out)
    for source in SOURCES:
        refuse_foreign(out / source)
    with built_aside(out) as building:
        counts = {"train": demo.train, "val": demo.val, "test": demo.test}
        plans = plan_nih(building, seed=demo.seed, films=counts, size=demo.size)
        plans += plan_mimic(building, seed=demo.seed, films=demo.mimic, size=demo.size)
        with Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=8) as parallel:
            done = parallel(delayed(write_film)(plan, building) for plan in plans)
            for _ in tqdm(done, total=len(plans), desc="drawing demo films", unit="film", disable=not progress):
                pass
        for source in SOURCES:
            (building / source / NOTICE).write_text(
                f"Drawn by qcxr.phantom.demo (seed {demo.seed}): generated films, no patients, no radiographs.\n"
            )
            shutil.rmtree(out / source, ignore_errors=True)
            os.replace(building / source, out / source)


@contextmanager
def built_aside(out: Path) -> Iterator[Path]:
    """An empty folder inside `out` to build in, gone when the block ends. Raises InputError if `out` cannot be one."""
    building = out / ".building"
    shutil.rmtree(building, ignore_errors=True)
    try:
        building.mkdir(parents=True)
    except OSError as error:
        in_place = isinstance(error, FileExistsError | NotADirectoryError)
        reason = "a file is in its place" if in_place else error.strerror
        raise InputError(
            f"the demo's films cannot be written to {out} ({reason}); set generate.out to another folder"
        ) from None
    try:
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


def refuse_foreign(folder: Path) -> None:
    """Raise InputError if `folder` holds files and is not marked as generated: it may be somebody's real data."""
    if (folder / NOTICE).is_file():
        return
    if foreign := next((path for path in sorted(folder.rglob("*")) if not path.is_dir()), None):
        raise InputError(
            f"the demo's films may only replace a folder of generated films, but {foreign} is there without {NOTICE}; "
            "set generate.out in the config to another folder"
        )


def gallery(out: Path | str, *, seed: int = 4) -> None:
    """Write a PNG that shows one generated chest with each of the nineteen findings, labelled."""
    from qcxr.phantom.gallery import draw_gallery  # matplotlib is slow to import and wanted here only

    draw_gallery(out, seed=seed)
