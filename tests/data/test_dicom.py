"""DICOM films: every gray level against the standard's formulas written out, and against pydicom's own."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from qcxr.data import levels
from qcxr.data.audit import film_facts, film_issues
from qcxr.data.cache import build
from qcxr.data.entry import settings_key
from qcxr.data.film import Facts
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing, decode
from qcxr.errors import InputError
from qcxr.study.sections import Image as ImageSection

from . import dicoms, films
from .dicoms import STORED, pixels, rounded


def test_without_a_window_the_used_range_is_shown_and_full_is_all_that_the_bits_hold():
    used = rounded((STORED - 300.0) / 2700.0)
    np.testing.assert_array_equal(pixels(dicoms.film(STORED)), used)
    np.testing.assert_array_equal(pixels(dicoms.film(STORED), "full"), rounded(STORED / 4095.0))
    np.testing.assert_array_equal(pixels(dicoms.film(STORED, photometric="MONOCHROME1")), 255 - used)
    for bits in (12, 13, 14, 15, 16):
        np.testing.assert_array_equal(pixels(dicoms.film(STORED, bits=bits)), used)
        np.testing.assert_array_equal(pixels(dicoms.film(STORED, bits=bits), "full"), rounded(STORED / (2.0**bits - 1)))
    eight = (STORED >> 4).astype(np.uint8)
    np.testing.assert_array_equal(pixels(dicoms.film(eight, bits=8), "full"), eight)
    assert tuple(ImageSection.model_json_schema()["properties"]["levels"]["enum"]) == levels.LEVELS


SLOPE, INTERCEPT, CENTER, WIDTH = 2.0, -1000.0, 2100.0, 3001.0
X = SLOPE * STORED.astype(np.float64) + INTERCEPT


def linear(x):
    shown = (x - (CENTER - 0.5)) / (WIDTH - 1) + 0.5
    return np.where(x <= CENTER - 0.5 - (WIDTH - 1) / 2, 0, np.where(x > CENTER - 0.5 + (WIDTH - 1) / 2, 1, shown))


def linear_exact(x):
    shown = (x - CENTER) / WIDTH + 0.5
    return np.where(x <= CENTER - WIDTH / 2, 0, np.where(x > CENTER + WIDTH / 2, 1, shown))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("function", "formula"),
    [
        (None, linear),
        ("LINEAR", linear),
        ("LINEAR_EXACT", linear_exact),
        ("SIGMOID", lambda x: 1 / (1 + np.exp(-4 * (x - CENTER) / WIDTH))),
    ],
)
def test_rescale_and_window(function, formula, photometric):
    more = {"VOILUTFunction": function} if function else {}
    made = dicoms.film(
        STORED, photometric=photometric, RescaleSlope=SLOPE, RescaleIntercept=INTERCEPT, WindowCenter=[CENTER, 1],
        WindowWidth=[WIDTH, 2], **more,
    )  # fmt: skip
    hand = rounded(formula(X))
    np.testing.assert_array_equal(pixels(made), hand if photometric == "MONOCHROME2" else 255 - hand)
    theirs = apply_voi_lut(apply_modality_lut(STORED, made), made, index=0)  # on the range of 12 bits, rescaled
    np.testing.assert_array_equal(hand, rounded((theirs - INTERCEPT) / (4095 * SLOPE)))
    used = rounded((STORED - 300.0) / 2700.0)
    np.testing.assert_array_equal(pixels(made, "used"), used if photometric == "MONOCHROME2" else 255 - used)


def test_signed_values_and_a_negative_slope():
    signed = STORED.astype(np.int16) - 1700
    made = dicoms.film(signed, RescaleSlope=-1, RescaleIntercept=0, WindowCenter=0, WindowWidth=2000)
    x = -signed.astype(np.float64)
    np.testing.assert_array_equal(pixels(made), rounded(np.clip((x + 0.5) / 1999 + 0.5, 0, 1)))
    np.testing.assert_array_equal(pixels(made, "full"), rounded((x + 2047) / 4095))


def test_bits_above_those_stored_do_not_count():
    junk = (STORED | 0xF000).astype(np.uint16)
    np.testing.assert_array_equal(pixels(dicoms.film(junk)), pixels(dicoms.film(STORED)))


def test_tables():
    curve = (np.linspace(0, 1, 2600) ** 2 * 1023).astype(int)
    made = dicoms.film(STORED, VOILUTSequence=[dicoms.lut(curve.tolist(), first=350, bits=10)], WindowCenter=5)
    made.WindowWidth = 9  # a table goes before a window
    np.testing.assert_array_equal(pixels(made), rounded(curve[np.clip(STORED.astype(int) - 350, 0, 2599)] / 1023))
    steep = np.arange(4096) // 2 + 100
    made = dicoms.film(STORED, ModalityLUTSequence=[dicoms.lut(steep.tolist(), first=0, bits=16)], WindowCenter=900)
    made.WindowWidth, made.VOILUTFunction = 1000, "LINEAR_EXACT"
    np.testing.assert_array_equal(pixels(made), rounded(np.clip((steep[STORED] - 900) / 1000 + 0.5, 0, 1)))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_count(photometric):
    padded = STORED.copy()
    padded[-3:], padded[:, -2:] = 4000, 4010
    for last in (None, 4010):
        more = {"PixelPaddingValue": 4000} | ({"PixelPaddingRangeLimit": last} if last else {})
        got = pixels(dicoms.film(padded, photometric=photometric, **more))
        inside = (padded != 4000) & (padded != 4010) if last else padded != 4000
        top = 3000 if last else 4010
        shown = rounded((padded - 300.0) / (top - 300.0) * inside)
        assert (got[~inside] == 0).all()
        np.testing.assert_array_equal(got[inside], (shown if photometric == "MONOCHROME2" else 255 - shown)[inside])


def test_sixteen_bit_png():
    out = io.BytesIO()
    Image.fromarray(STORED).save(out, "PNG")
    decoded, facts = decode(out.getvalue())
    np.testing.assert_array_equal(decoded, rounded((STORED - 300.0) / 2700.0))
    assert facts == Facts(45, 40, "I;16", False)
    np.testing.assert_array_equal(decode(out.getvalue(), "full")[0], rounded(STORED / 65535.0))
    out = io.BytesIO()
    Image.fromarray(np.full((9, 9), 700, np.uint16)).save(out, "PNG")
    assert (decode(out.getvalue())[0] == 0).all()


def test_a_cache_of_mixed_films_and_its_keys(tmp_path):
    """Films are told by their content, whatever their suffix; another rule is another entry."""
    paths = films.nih(tmp_path / "nih")
    files = sorted(paths["images"].iterdir())
    files[0].write_bytes(dicoms.data(dicoms.film(STORED)))
    Image.fromarray(STORED).save(files[1], "PNG")
    frame = films.manifest_of("nih", paths, tmp_path / "m.parquet")
    where = Films(paths["images"], tmp_path / "cache", Preprocessing(24, 20))
    assert build(frame, where, progress=False).n_built == len(files)
    facts = film_facts(frame, where).set_index("path")
    assert facts.loc[[files[0].name, files[1].name], "mode"].tolist() == ["MONOCHROME2", "I;16"]
    assert film_issues(facts.reset_index(), where)["issue"].tolist() == ["duplicate"]  # of one array
    assert build(frame, where, progress=False).n_built == 0
    full = Films(paths["images"], tmp_path / "cache", Preprocessing.of({"resize": 24, "crop": 20, "levels": "full"}))
    assert build(frame, full, progress=False).n_built == len(files)
    assert settings_key(where.preprocessing) == "bicubic-24-20-v1"
    assert settings_key(full.preprocessing) == "bicubic-24-20-full-v1"
    with pytest.raises(InputError, match=r"levels must be one of auto, used, full, got 'log'; set image.levels"):
        Preprocessing(levels="log")
    assert ImageSection().prepares() == {"resize": 256, "crop": 224}  # as before: no finished run's slice changes
    assert ImageSection(levels="full").decides()["levels"] == "full"
