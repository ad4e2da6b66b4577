"""Film decoding and preprocessing: pixel for pixel the Hugging Face processor's, and every bad file told apart."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil

from qcxr.data.film import FilmError
from qcxr.data.images import Preprocessing, decode, prepare, preprocess
from qcxr.errors import InputError

from .films import SHARED, gray

RNG = np.random.default_rng(3)


def encode(image: Image.Image, format: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, format=format, **options)
    return out.getvalue()


def hugging_face(rgb: np.ndarray, *, crop: int = 224, crop_pct: float = 0.875) -> np.ndarray:
    """The processor of microsoft/resnet-50 (size 224, crop_pct 0.875, bicubic) up to its floats: uint8 (H, W, 3)."""
    processor = ConvNextImageProcessorPil(
        size={"shortest_edge": crop}, crop_pct=crop_pct, resample=3, do_rescale=False, do_normalize=False
    )
    return processor(rgb, return_tensors="np", input_data_format="channels_last")["pixel_values"][0].transpose(1, 2, 0)


@pytest.mark.parametrize(
    ("height", "width"),
    [(1024, 1024), (512, 512), (256, 256), (257, 301), (301, 257), (999, 640), (225, 224), (90, 61)],
)
def test_pixel_exact_against_hugging_face(height, width):
    image = gray(RNG, height, width)
    theirs = hugging_face(np.repeat(image[..., None], 3, axis=2))
    assert theirs.shape == (224, 224, 3)
    for channel in range(3):
        np.testing.assert_array_equal(preprocess(image), theirs[..., channel])


def test_pixel_exact_at_many_sizes():
    sizes = np.random.default_rng(11).integers(200, 500, (16, 2))
    squares = [(side, side) for side in (*range(225, 233), 511, 767, 1025, 2048)]
    for height, width in [*sizes, *squares, (1991, 256), (1272, 1528)]:
        image = gray(RNG, int(height), int(width))
        theirs = hugging_face(np.repeat(image[..., None], 3, axis=2))
        np.testing.assert_array_equal(preprocess(image), theirs[..., 0], err_msg=f"{height} x {width}")


@pytest.mark.parametrize(("resize", "crop"), [(128, 112), (64, 48), (75, 60)])
def test_other_sizes_against_hugging_face(resize, crop):
    image = gray(RNG, 301, 200)
    assert int(crop / (crop / resize)) == resize  # else the processor itself resizes to another size
    theirs = hugging_face(np.repeat(image[..., None], 3, axis=2), crop=crop, crop_pct=crop / resize)
    np.testing.assert_array_equal(preprocess(image, Preprocessing(resize, crop)), theirs[..., 0])


@pytest.mark.parametrize(("resize", "crop"), [(72, 64), (73, 64), (72, 63), (50, 50)])
def test_size_and_centre(resize, crop):
    assert preprocess(gray(RNG, 81, 100), Preprocessing(resize, crop)).shape == (crop, crop)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the real films in ../shared/data")
def test_real_films_pixel_exact():
    paths = sorted((SHARED / "nih_originals").glob("*.png")) + sorted((SHARED / "nih_sample/images").glob("*.png"))[:5]
    assert len(paths) >= 14
    for path in paths:
        with Image.open(path) as image:
            theirs = hugging_face(np.asarray(image.convert("RGB")))
        ours, facts = prepare(path.read_bytes())
        assert not facts.colour
        np.testing.assert_array_equal(ours, theirs[..., 0])


def test_every_gray_encoding_gives_the_same_pixels():
    pixels = gray(RNG, 41, 37)
    image = Image.fromarray(pixels)
    palette = Image.fromarray(pixels).convert("P")
    opaque = image.convert("RGBA")
    see_through = opaque.copy()
    see_through.putalpha(100)
    for variant in (image, image.convert("RGB"), opaque, see_through, image.convert("LA"), palette):
        decoded, facts = decode(encode(variant))
        np.testing.assert_array_equal(decoded, pixels, err_msg=variant.mode)
        assert (facts.mode, facts.width, facts.height, facts.colour) == (variant.mode, 37, 41, False)
    assert facts.aspect == pytest.approx(41 / 37)


def test_one_bit_and_jpeg():
    bits = Image.fromarray(gray(RNG, 16, 16)).convert("1")
    np.testing.assert_array_equal(decode(encode(bits))[0], np.asarray(bits.convert("L")))
    film = Image.fromarray(gray(RNG, 40, 40))
    data = encode(film, "JPEG", quality=90)
    with Image.open(io.BytesIO(data)) as image:
        np.testing.assert_array_equal(decode(data)[0], np.asarray(image))


def test_colour_film_is_luma_and_said_so():
    rgb = RNG.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    decoded, facts = decode(encode(Image.fromarray(rgb)))
    assert facts.colour
    np.testing.assert_allclose(decoded, rgb @ [0.299, 0.587, 0.114], atol=0.51)
    _, facts = decode(encode(Image.fromarray(rgb).quantize(16)))
    assert facts.mode == "P"
    assert facts.colour


def sixteen_bit_rgb_png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)  # 4 x 4, 16 bits, RGB
    body = zlib.compress(b"".join(b"\0" + bytes(4 * 6) for _ in range(4)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def bomb() -> bytes:
    data = encode(Image.new("L", (30_000, 10_000)))
    assert len(data) < 400_000
    return data


PNG = encode(Image.fromarray(gray(RNG, 64, 64)))
JPG = encode(Image.fromarray(gray(RNG, 64, 64)), "JPEG")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"", r"empty file \(0 bytes\)", id="zero bytes"),
        pytest.param(PNG[: len(PNG) // 2], "damaged or truncated", id="truncated PNG"),
        pytest.param(PNG[:40], "damaged or truncated|not a PNG, JPEG or DICOM", id="PNG header only"),
        pytest.param(JPG[: len(JPG) // 2], "damaged or truncated", id="truncated JPG"),
        pytest.param(PNG[:60] + b"\xff" * 60 + PNG[120:], "damaged or truncated", id="overwritten PNG"),
        pytest.param(b"<html>404</html>\n" * 9, "not a PNG, JPEG or DICOM", id="text"),
        pytest.param(encode(Image.fromarray(gray(RNG)), "BMP"), "not a PNG, JPEG or DICOM", id="other format"),
        pytest.param(sixteen_bit_rgb_png(), "16-bit colour or float pixels", id="16-bit RGB"),
        pytest.param(bomb(), "a decompression bomb", id="bomb"),
        pytest.param(encode(Image.new("L", (9000, 8000))), "9000 x 8000 is more than 64,000,000", id="too large"),
        pytest.param(encode(Image.new("L", (10, 210))), "10 x 210 is a stripe", id="stripe"),
    ],
)  # fmt: skip
def test_bad_files(data, text):
    with pytest.raises(FilmError, match=text) as caught:
        prepare(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ({"resize": 64, "crop": 65}, r"crop must be <= resize \(64\), got 65"),
        ({"resize": 0, "crop": 0}, "resize must be a whole number of pixels >= 1, got 0"),
        ({"resize": 64, "crop": 32.0}, "crop must be a whole number of pixels >= 1, got 32.0"),
    ],
)
def test_bad_sizes(sizes, text, unchecked):
    with pytest.raises(InputError, match=text):
        Preprocessing(**sizes)


def test_wrong_arrays(unchecked):
    with pytest.raises(ValueError, match=r"uint8 array"):
        preprocess(np.zeros((4, 4, 3), np.uint8))
