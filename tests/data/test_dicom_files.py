"""DICOM files: the ways to write a film, what is refused as none, and what is damaged or hostile."""

import base64
import io

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.uid import (
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    RLELossless,
)

from qcxr.data import dicom
from qcxr.data.cache import build
from qcxr.data.film import Facts, FilmError, MissingCodec
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing, decode
from qcxr.errors import InputError
from qcxr.training import filmtable

from . import dicoms, films
from .dicoms import STORED, pixels, rounded
from .films import gray


def test_every_way_to_write_a_film_gives_the_same_pixels():
    hand = pixels(dicoms.film(STORED))
    for syntax in (RLELossless, JPEG2000Lossless):
        made = dicoms.film(STORED)
        made.compress(syntax)
        np.testing.assert_array_equal(pixels(made), hand, err_msg=syntax.name)
    frame = dicoms.jpeg_lossless(STORED, 12)
    np.testing.assert_array_equal(pixels(dicoms.compressed(dicoms.film(STORED), frame, dicoms.LOSSLESS)), hand)
    made = dicoms.film(STORED)
    made.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    np.testing.assert_array_equal(pixels(made), hand)
    bare = dicoms.film(STORED)
    del bare.file_meta
    for implicit in (True, False):  # no preamble, no head
        how = {"enforce_file_format": False, "implicit_vr": implicit, "little_endian": True}
        np.testing.assert_array_equal(pixels(bare, **how), hand)
    made = dicoms.film(STORED.astype(">u2"))
    made.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    np.testing.assert_array_equal(pixels(made), hand)
    window = {"WindowCenter": 1500, "WindowWidth": 900}
    np.testing.assert_array_equal(
        pixels(dicoms.compressed(dicoms.film(STORED, **window), frame, dicoms.LOSSLESS)),
        pixels(dicoms.film(STORED, **window)),
    )


# What nothing here can encode, made once with imagecodecs: 300 + 40 x + 30 y, 12 x 10; how far a level may be off.
FOREIGN = [
    (JPEGLSLossless, 16, 0, (
        "/9j/6AAgU1BJRkYAAgAAAQAAAAoAAAAMChAGAQAAASwAAAEs/+gACAAAAAH/2P/3AAsQAAoADAEBEQD/+AANAf//ABIAQwEUAED/"
        "2gAIAQEAAAAAZXifE2S5Jo9FodBn89u4eQ8h1HEbTSZTCXSyqh5UU1JRUE9OTUxMS0OpSpUpUqFChQnTo4nTpkyZMmTJUqVG0qVK"
        "lSpEiRRRRNKKKKKKJppppplNNNNNNNJJJJMJJJJJJJJJJJJdJSlKUlKUpSz/2Q=="
    )),
    (HTJ2KLossless, 16, 0, (
        "/0//UQApQAAAAAAMAAAACgAAAAAAAAAAAAAADAAAAAoAAAAAAAAAAAABDwEB/1AACAACAAAACf9SAAwAAgABAAEEBEAB/1wAByCI"
        "iIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAHcAAf+TwAAvRqf9l/6D/kf+Gf99/nj/NH+yf9XP6ffzt/wf/gv+"
        "z/3d/l9/rf9Sv9H/Zg/mF/K3+xf7O/11/k1+EAPv7n1+suoGQgAxvQDAACrgABWgjuM4ztwiOnCCdwC6ruu6/vQA3gABvrgA/9k="
    )),
    (JPEGExtended12Bit, 12, 1, (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQICAQECAQEBAgICAgIC"
        "AgICAQICAgICAgICAgL/wQALDAAKAAwBAREA/8QAFgABAQEAAAAAAAAAAAAAAAAADAoO/8QAJhAAAAQFAQkAAAAAAAAAAAAAAAUG"
        "RQcKJmNkCRgnKDdDU1RVc//aAAgBAQAAPwDIg8pNLucs6G9Q3fG2EOGm3LucJkP6G7zdhFtsRMykyVTG7OnCFoZy+zjhDhptpVMb"
        "JkP6cIeszl/hFuOP/9k="
    )),
]  # fmt: skip


@pytest.mark.parametrize(("syntax", "bits", "off", "frame"), FOREIGN, ids=["JPEG-LS", "HTJ2K", "JPEG 12 bits"])
def test_frames_of_another_encoder(syntax, bits, off, frame):
    y, x = np.mgrid[0:10, 0:12]
    stored = (300 + 40 * x + 30 * y).astype(np.uint16)
    got = pixels(dicoms.compressed(dicoms.film(stored, bits=bits), base64.b64decode(frame), syntax))
    assert np.abs(got.astype(int) - rounded((stored - 300.0) / 710.0)).max() <= off


def test_jpeg_and_colours():
    film = gray(np.random.default_rng(8), 48, 40)
    out = io.BytesIO()
    Image.fromarray(film).save(out, "JPEG", quality=95)
    made = dicoms.compressed(dicoms.film(film, bits=8), out.getvalue(), JPEGBaseline8Bit)
    np.testing.assert_allclose(pixels(made, "full"), np.asarray(Image.open(out)), atol=1)  # another inverse transform
    rgb = np.repeat(film[..., None], 3, axis=2)
    decoded, facts = decode(dicoms.data(dicoms.film(rgb, bits=8, photometric="RGB")))
    np.testing.assert_array_equal(decoded, film)
    assert facts == Facts(40, 48, "RGB", False)
    rgb[..., 0] = 255 - film
    decoded, facts = decode(dicoms.data(dicoms.film(rgb, bits=8, photometric="RGB")))
    assert facts.colour
    np.testing.assert_allclose(decoded, rgb @ [0.299, 0.587, 0.114], atol=0.51)


def j2k(said: np.ndarray) -> bytes:
    made = dicoms.film(said)
    made.compress(JPEG2000Lossless)
    return next(pydicom.encaps.generate_frames(made.PixelData, number_of_frames=1))


def _deflated():
    made = dicoms.film(STORED)
    made.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    return made


REFUSED = [
    ("CT", lambda: dicoms.film(STORED, Modality="CT"), "a DICOM of modality CT, not a radiograph"),
    ("frames", lambda: dicoms.film(STORED, NumberOfFrames=3), "a DICOM of 3 frames"),
    ("palette", lambda: dicoms.film(STORED, PhotometricInterpretation="PALETTE COLOR"), "interpretation PALETTE COLOR"),
    ("no pixels", lambda: _without("PixelData"), "a DICOM without pixels"),
    ("no rows", lambda: _without("Rows"), "a DICOM without pixels"),
    ("32 bits", lambda: dicoms.film(STORED.astype(np.uint32), bits=32), "a DICOM of 32 bits in 32"),
    ("6 bits", lambda: dicoms.film(STORED, bits=6), "a DICOM of 6 bits in 16"),
    ("high bit", lambda: dicoms.film(STORED, HighBit=15), "whose highest bit is 15, not 11"),
    ("samples", lambda: dicoms.film(STORED, SamplesPerPixel=3), "3 samples a pixel in MONOCHROME2"),
    ("too large", lambda: dicoms.film(STORED, Rows=60000, Columns=60000), "more than 64,000,000 pixels"),
    ("stripe", lambda: dicoms.film(STORED, Rows=1, Columns=713), "is a stripe"),
    ("nothing", lambda: dicoms.film(STORED, Rows=0), "45 x 0 has no pixels"),
    ("short", lambda: dicoms.film(STORED, PixelData=STORED.tobytes()[:-300]), "damaged or truncated DICOM"),
    ("window", lambda: dicoms.film(STORED, WindowCenter=1, WindowWidth=0), "window has centre 1 and width 0"),
    ("function", lambda: dicoms.film(STORED, WindowCenter=1, WindowWidth=9, VOILUTFunction="CUBIC"), "CUBIC"),
    ("slope", lambda: dicoms.film(STORED, RescaleSlope=0, RescaleIntercept=1), "rescale slope or intercept is none"),
    ("deflated", _deflated, "transfer syntax Deflated Explicit VR Little Endian, which is not read"),
    (
        "a frame larger than said",
        lambda: dicoms.compressed(dicoms.film(STORED), j2k(np.tile(STORED, (3, 3))), JPEG2000Lossless),
        "a frame of 135 x 120 where its header says 45 x 40",
    ),
    (
        "no frame",
        lambda: dicoms.compressed(dicoms.film(STORED), b"\xff\xd8 nothing", dicoms.LOSSLESS),
        "not a frame of its syntax where its header says",
    ),
]  # fmt: skip


def _without(name: str):
    made = dicoms.film(STORED)
    delattr(made, name)
    return made


@pytest.mark.parametrize(("make", "text"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_what_is_no_film_is_refused_in_one_line(make, text):
    with pytest.raises(FilmError, match=text) as refused:
        decode(dicoms.data(make()))
    assert "\n" not in str(refused.value)


def test_a_name_with_a_line_end_is_said_in_one_line():
    with pytest.raises(FilmError, match="of photometric interpretation MONO HROME2; films are"):
        decode(dicoms.data(dicoms.film(STORED)).replace(b"MONOCHROME2", b"MONO\nHROME2"))


def test_without_pydicom_a_dicom_says_what_to_install(monkeypatch, tmp_path):
    """It is no fault of the film's: max_missing does not hide it."""
    monkeypatch.setattr(dicom, "_installed", lambda: False)
    written = dicoms.data(dicoms.film(STORED))
    text = r"a DICOM needs pydicom, which is not installed; pip install -e '.\[dicom\]'"
    with pytest.raises(MissingCodec, match=text):
        decode(written)
    paths = films.nih(tmp_path / "nih")
    first = sorted(paths["images"].iterdir())[0]
    first.write_bytes(written)
    frame = films.manifest_of("nih", paths, tmp_path / "m.parquet")
    with pytest.raises(InputError, match=f"film {first.name}: {text}"):
        build(frame, Films(paths["images"], tmp_path / "cache"), max_missing=1.0, progress=False)
    with pytest.raises(InputError, match=f"film {first}: {text}"):
        filmtable.read(str(first), Preprocessing())


WHOLE = [dicoms.data(dicoms.film(STORED, WindowCenter=1500, WindowWidth=900, PixelPaddingValue=0))]
_made = dicoms.film(STORED)
_made.compress(RLELossless)
WHOLE.append(dicoms.data(_made))
HEAD = WHOLE[0].index(b"DICM") + 4


@settings(max_examples=120, deadline=None)
@given(
    which=st.sampled_from(WHOLE),
    changes=st.lists(st.tuples(st.integers(0, 900), st.binary(min_size=1, max_size=4)), max_size=4),
    length=st.integers(0, 2000),
)
def test_damaged_and_hostile_files_give_pixels_or_a_film_error(which, changes, length):
    damaged = bytearray(which)
    for at, new in changes:
        damaged[HEAD + at : HEAD + at + len(new)] = new
    for data in (bytes(damaged), bytes(damaged[: HEAD + length]), bytes(damaged[132:])):
        try:
            decoded, _ = decode(data)
        except FilmError as error:
            assert "\n" not in str(error)
        else:
            assert decoded.dtype == np.uint8 and decoded.ndim == 2


def test_a_transfer_syntax_of_many_words_is_one_short_line():
    """What the fuzzer found: two bytes of a length, and all that follows is the syntax's name."""
    data = dicoms.data(dicoms.film(STORED))
    at = data.index(b"UI\x14\x001.2.840.10008.1.2.1")
    for size in (200, 3000):
        damaged = data[: at + 2] + size.to_bytes(2, "little") + data[at + 4 :]
        with pytest.raises(FilmError) as caught:
            decode(damaged)
        assert "\n" not in str(caught.value) and len(str(caught.value)) <= 300
