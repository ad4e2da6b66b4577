"""The audit: what it notices about films, and that its page says so."""

import itertools
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qcxr.data.audit import film_facts, film_issues
from qcxr.data.cache import build
from qcxr.data.charts import contact_sheet, long_tail, together
from qcxr.data.counts import cooccurrence, counts
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.manifest import read_manifest
from qcxr.data.page import AuditFiles, audit_source, write_audit
from qcxr.data.sources import Source
from qcxr.errors import InputError
from qcxr.study.kinds import OfItsKind

from . import films

SMALL = Preprocessing(resize=24, crop=20)


@pytest.fixture
def odd(tmp_path):
    """Twelve films: an RGBA one, a coloured one, a long one, two with the same pixels in different files."""
    paths = films.nih(tmp_path / "nih")
    rng = np.random.default_rng(5)
    files = sorted(paths["images"].iterdir())
    with Image.open(files[0]) as film:
        film.convert("RGBA").save(files[0])
        film.save(files[3], compress_level=0)
    Image.fromarray(rng.integers(0, 256, (30, 30, 3), dtype=np.uint8)).save(files[1])
    Image.fromarray(films.gray(rng, 90, 40)).save(files[2])
    return paths, [file.stem for file in files]


def test_odd_films_are_noticed(odd, tmp_path):
    paths, names = odd
    frame = films.manifest_of("nih", paths, tmp_path / "m.parquet")
    where = Films(paths["images"], tmp_path / "cache", SMALL)
    build(frame, where, progress=False)
    facts = film_facts(frame, where)
    assert len(facts) == 12
    assert facts.set_index("image_id").loc[names[2], ["width", "height", "aspect"]].tolist() == [40, 90, 2.25]
    issues = film_issues(facts, where)
    assert issues.drop(columns="path").to_numpy().tolist() == [
        [names[2], "aspect", "40 x 90"],
        [names[0], "channels", "RGBA"],
        [names[1], "channels", "RGB"],
        [names[1], "colour", "R, G and B differ"],
        [names[3], "duplicate", f"same pixels as {names[0]}"],
    ]


def test_films_with_nothing_to_see_are_noticed(tmp_path):
    paths = films.nih(tmp_path / "nih")
    files = sorted(paths["images"].iterdir())
    Image.fromarray(np.full((1, 1), 90, np.uint8)).save(files[0])
    Image.fromarray(np.full((40, 40), 255, np.uint8)).save(files[1])
    frame = films.manifest_of("nih", paths, tmp_path / "m.parquet")
    where = Films(paths["images"], tmp_path / "cache", SMALL)
    build(frame, where, progress=False)
    issues = film_issues(film_facts(frame, where), where)
    assert issues[["image_id", "issue", "detail"]].to_numpy().tolist() == [
        [files[0].stem, "enlarged", "1 x 1"],
        [files[0].stem, "plain", "one gray level"],
        [files[1].stem, "plain", "one gray level"],
    ]


def test_equal_thumbnails_alone_are_no_duplicates(tmp_path):
    paths = films.nih(tmp_path / "nih")
    files = sorted(paths["images"].iterdir())
    for i, file in enumerate(files[:2]):  # they differ in a corner that the crop throws away
        pixels = np.tile(np.arange(240, dtype=np.uint8), (240, 1))
        pixels[0, 0] = 10 * i
        Image.fromarray(pixels).save(file)
    frame = films.manifest_of("nih", paths, tmp_path / "m.parquet")
    where = Films(paths["images"], tmp_path / "cache", SMALL)
    build(frame, where, progress=False)
    facts = film_facts(frame, where)
    assert facts["digest"].duplicated().sum() == 1
    assert film_issues(facts, where).empty


class Page(HTMLParser):
    """Text and well-formedness of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.text, self.sources = [], "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_page_from_folders_on(odd, tmp_path):
    paths, names = odd
    (paths["images"] / f"{names[5]}.png").write_text("<script>alert(1)</script>")
    where = Films(paths["images"], tmp_path / "cache", SMALL)
    job = {"dataset": "n<i>h", "out_dir": tmp_path / "out", "progress": False}
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"1 of 12 films .* missing or unreadable, first 00000003_001.png: unreadable"):
        audit_source(Source("nih", paths), where, **job)
    found = audit_source(Source("nih", paths, max_missing=0.1), where, **job)
    written = ["n<i>h-audit.html", "n<i>h-counts.csv", "n<i>h-films.png", "n<i>h-issues.csv"]
    assert sorted(path.name for path in out.iterdir()) == written
    page = Page((out / "n<i>h-audit.html").read_text())
    assert "n<i>h: data audit" in page.text  # escaped
    assert "train 6 films, val 2 films, test 4 films;\n6 patients, each in one split" in page.text
    assert "1 films are not in the cache" in page.text
    assert "unreadable 1" in page.text
    assert "channels 2" in page.text
    assert f"same pixels as {names[0]}" in page.text
    assert len(page.sources) == 3
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    with Image.open(out / "n<i>h-films.png") as sheet:
        assert min(sheet.size) > 300
    issues = pd.read_csv(out / "n<i>h-issues.csv")
    pd.testing.assert_frame_equal(issues, found.issues, check_dtype=False)
    assert issues["issue"][0] == "unreadable"
    pd.testing.assert_frame_equal(pd.read_csv(out / "n<i>h-counts.csv"), found.counts, check_dtype=False)


def test_page_counts_dropped_laterals_and_uncovered_labels(tmp_path):
    paths = films.mimic(tmp_path / "mimic")
    for name in ("development.csv", "test.csv"):
        file = paths["labels"] / name
        pd.read_csv(file).drop(columns="Mass").to_csv(file, index=False)
    where = Films(paths["images"], tmp_path / "cache", SMALL)
    audit_source(Source("mimic", paths), where, dataset="mimic", out_dir=tmp_path / "out", progress=False)
    page = Page((tmp_path / "out/mimic-audit.html").read_text())
    assert "Left out: LATERAL 2." in page.text
    written = films.manifest_of("mimic", paths, tmp_path / "m.parquet")
    assert written.attrs["dropped"] == {"LATERAL": 2}
    assert read_manifest(tmp_path / "m.parquet").attrs["dropped"] == {"LATERAL": 2}


def test_page_without_any_cached_film(tmp_path):
    paths = films.nih(tmp_path / "nih")
    frame = films.manifest_of("nih", paths, tmp_path / "m.parquet")
    where = Films(paths["images"], tmp_path / "cache")
    with pytest.raises(InputError, match=r"no film of nih is in the cache .*; run the cache step first"):
        write_audit(frame, where, dataset="nih", out=AuditFiles(tmp_path / "x.html"))
    for film in paths["images"].iterdir():
        film.write_bytes(b"")
    with pytest.raises(InputError, match="12 of 12 films"):
        audit_source(Source("nih", paths), where, dataset="nih", out_dir=tmp_path, progress=False)


def test_long_tail_bars_are_the_counts(tmp_path):
    frame = films.manifest_of("nih", films.nih(tmp_path / "nih"), tmp_path / "m.parquet")
    frame["Hernia"] = 0
    table = counts(frame, dataset="nih")
    axes = long_tail(table, title="t").axes[0]
    labels = [text.get_text() for text in axes.get_xticklabels()]
    totals = table[table["split"] == "total"].set_index("label")["n_positive"]
    assert totals[labels].is_monotonic_decreasing
    assert "No Finding" not in labels
    for split, bars in zip(("train", "val", "test"), axes.containers, strict=True):
        expected = table[table["split"] == split].set_index("label")["n_positive"][labels]
        assert [max(value, 0.5) for value in expected] == [bar.get_height() for bar in bars]


def test_co_occurrence_is_a_share_of_the_row(tmp_path):
    frame = pd.DataFrame({"Mass": [1, 1, 1, 1, 0], "Edema": [1, 0, 0, 0, 1], "Hernia": [0] * 5}).astype("Int8")
    shown = np.asarray(
        together(cooccurrence(frame, ("Mass", "Edema", "Hernia")), title="t").axes[0].images[0].get_array()
    )
    assert shown[0, 1] == pytest.approx(1 / 4)
    assert shown[1, 0] == pytest.approx(1 / 2)
    assert np.isnan(shown[2]).all()
    assert np.isnan(np.diag(shown)).all()


def test_names_on_a_contact_sheet_do_not_run_into_each_other():
    names = [f"{k}1234567-01234567-01234567-01234567-01234567" for k in range(8)]
    figure = contact_sheet(np.zeros((8, 16, 16), np.uint8), names)
    figure.draw_without_rendering()
    boxes = [axes.title.get_window_extent() for axes in figure.axes[:8]]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    assert [axes.title.get_text().replace("\n", "") for axes in figure.axes[:8]] == names


def test_contact_sheet_shows_the_films_and_their_augmentation():
    images = np.stack([films.gray(np.random.default_rng(i), 32, 32) for i in range(3)])
    figure = contact_sheet(images, ["a", "b", "c"], rows=[4, 9, 2], epochs=(0, 1), flip=1.0, rotation=0.0)
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    assert len(shown) == 9
    for i in range(3):
        np.testing.assert_array_equal(shown[i], images[i])
        np.testing.assert_array_equal(shown[3 + i], images[i][:, ::-1])


def test_page_of_a_table_says_what_was_left_out_and_that_no_patients_are_known(tmp_path):
    paths = films.nih(tmp_path / "nih")
    files = {split: str(paths["labels"] / f"miccai2023_nih-cxr-lt_labels_{split}.csv") for split in ("train", "test")}
    table = {"kind": "table", "images": str(paths["images"]), "files": files, "path": "id", "labels": ["Mass", "Edema"]}
    where = Films(paths["images"], tmp_path / "cache", SMALL)
    told = "nobody has told whose they are"
    for name, keys in {"none": {"keep": {"Hernia": [1]}}, "known": {"patient": "subj_id"}}.items():
        source = Source("table", OfItsKind().check(table | keys).reader_options())
        found = audit_source(source, where, dataset=name, out_dir=tmp_path / "out", progress=False)
        page = Page((tmp_path / f"out/{name}-audit.html").read_text())
        assert (told in page.text) == (name == "none")
        assert (f"Left out: Hernia 0 {10 - len(found.facts)}." in page.text) == (name == "none")
