"""Film names, labels and paths that look like scripts are text in the audit; paths never leave the folder of films."""

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from qcxr.data import manifest
from qcxr.data.cache import build
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.page import AuditFiles, write_audit
from qcxr.data.sources import Source
from qcxr.errors import InputError
from tests.hostile import CHROMIUM, NAMES, RUN, told

from . import films

SMALL = Preprocessing(resize=24, crop=20)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    source = films.nih(root / "nih")
    hostile = [name.replace("/", "") for name in NAMES[:4]]  # no file is called by a slash
    names = {}
    for path, name in zip(sorted(source["images"].iterdir()), hostile, strict=False):
        names[path.name] = f"{name}.png"
        with Image.open(path) as film:
            film.convert("RGBA").save(path)  # so that the audit lists it
        path.rename(path.with_name(f"{name}.png"))
    for file in source["labels"].iterdir():
        table = pd.read_csv(file, dtype=str).replace({"id": names}).rename(columns={"Hernia": NAMES[0]})
        table.to_csv(file, index=False)
    frame = films.manifest_of("nih", source, root / "m.parquet")
    where = Films(source["images"], root / "cache", SMALL)
    build(frame, where, progress=False)
    write_audit(frame, where, dataset=NAMES[4], out=AuditFiles(root / "audit.html"))
    return root / "audit.html"


def test_no_name_is_written_as_it_is(page):
    text = page.read_text(encoding="utf-8")
    assert f"<script>{RUN}" not in text and "<img src=x" not in text and "<svg onload" not in text
    assert f"&lt;script&gt;{RUN.partition('=')[0]}" in text


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_no_name_runs_in_a_browser(page, tmp_path):
    seen = told(page, tmp_path / "browser")
    assert seen["ran"] == "no" and seen["listens"] == 0 and seen["scripts"] == 1  # the probe's
    assert NAMES[0] in seen["text"] and NAMES[1] in seen["text"]


OUTSIDE = ["../secret", "/etc/secret", "a/../../secret", "..\\secret", "C:/secret"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_film_outside_of_its_folder_is_refused_whoever_names_it(tmp_path, name):
    """By its id in NIH's label files, and by a manifest that was edited."""
    source = films.nih(tmp_path / "nih")
    (tmp_path / "nih/secret.png").write_bytes((source["images"] / "00000001_000.png").read_bytes())
    file = next(source["labels"].glob("*train.csv"))
    table = pd.read_csv(file, dtype=str)
    table.loc[0, "id"] = f"{name}.png"
    table.to_csv(file, index=False)
    with pytest.raises(InputError, match="must stay inside the image root"):
        films.manifest_of("nih", source, tmp_path / "m.parquet")

    source = films.nih(tmp_path / "again")
    frame = films.manifest_of("nih", source, tmp_path / "m.parquet")
    frame.loc[0, "path"] = f"{name}.png"
    frame.to_parquet(tmp_path / "m.parquet", index=False)
    with pytest.raises(InputError, match="must stay inside the image root"):
        manifest.read_manifest(tmp_path / "m.parquet")


def test_mimics_paths_stay_inside_too(tmp_path):
    source = films.mimic(tmp_path / "mimic")
    file = tmp_path / "mimic/development.csv"
    table = pd.read_csv(file, dtype=str)
    table.loc[0, "path"] = f"files/p10/../../../{Path(table['path'][0]).name}"
    table.to_csv(file, index=False)
    with pytest.raises(InputError, match="must stay inside the image root"):
        manifest.check(Source("mimic", source).read())


def test_links_that_the_user_laid_are_followed(tmp_path):
    """A label file cannot lay any: films often lie elsewhere, behind a link."""
    source = films.nih(tmp_path / "nih")
    elsewhere = tmp_path / "elsewhere"
    source["images"].rename(elsewhere)
    source["images"].symlink_to(elsewhere)
    assert len(films.manifest_of("nih", source, tmp_path / "m.parquet")) == 12
