"""The scanner: how a chest's attenuation becomes an 8-bit film, with exposure, contrast, noise, blur, pose and marker.

A scanner is drawn once per (site, index) and shared by many patients, as in a hospital; exposure and pose are the
film's own.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from qcxr.phantom.grid import Grid, Picture


@dataclass(frozen=True)
class Scanner:
    """One machine's look."""

    low: float  # attenuation shown black
    high: float  # attenuation shown white
    gamma: float
    curve: float  # share of an S-shaped tone curve
    blur: float  # in film units
    sharpen: float  # edge enhancement
    noise: float
    collimation: float  # how often, and how wide, a black border is left
    marker: str  # burnt-in text beside the side letter
    negative_corner: bool  # marker in white on black, as a lead letter leaves it


def draw_scanner(rng: np.random.Generator, *, portable: bool) -> Scanner:
    """A machine at random; portable ones (most of MIMIC's) are softer, flatter, noisier."""
    return Scanner(
        low=rng.uniform(0.00, 0.10) - (0.05 if portable else 0.0),
        high=rng.uniform(1.10, 1.25) + (0.12 if portable else 0.0),
        gamma=rng.uniform(0.85, 1.1) * (1.2 if portable else 1.0),
        curve=rng.uniform(0.0, 0.5) * (0.4 if portable else 1.0),
        blur=rng.uniform(0.001, 0.004) + (0.003 if portable else 0.0),
        sharpen=rng.uniform(0.0, 0.8) * (0.3 if portable else 1.0),
        noise=rng.uniform(0.006, 0.016) + (0.010 if portable else 0.0),
        collimation=rng.choice([0.0, 0.0, 0.03, 0.06]),
        marker=str(rng.choice(["PORTABLE", "AP", "SEMI-UPRIGHT", "SUPINE"] if portable else ["", "", "GV", "HB"])),
        negative_corner=bool(rng.random() < 0.3),
    )


def expose(density: Picture, grid: Grid, scanner: Scanner, rng: np.random.Generator) -> Image.Image:
    """A film of `grid`'s size, mode L, from the attenuation picture."""
    exposure = rng.normal(0.0, 0.03)
    shown = (density + np.float32(exposure - scanner.low)) * np.float32(1.0 / (scanner.high - scanner.low))
    shown = np.clip(shown, 0.0, 1.0) ** np.float32(scanner.gamma)
    shown = shown + np.float32(scanner.curve) * (shown * shown * (3.0 - 2.0 * shown) - shown)
    film = pose(Image.fromarray(shown), grid, rng)
    values = np.asarray(film) * np.float32(243.0)
    inside = values > 0
    values = values + rng.standard_normal(values.shape, np.float32) * np.float32(255 * scanner.noise) * inside
    film = Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
    if scanner.blur > 0.3 * grid.pixel:  # a smaller one changes nothing
        film = film.filter(ImageFilter.GaussianBlur(scanner.blur / grid.pixel))
    if scanner.sharpen:
        film = film.filter(
            ImageFilter.UnsharpMask(radius=0.02 / grid.pixel, percent=int(100 * scanner.sharpen), threshold=0)
        )
    return mark(film, grid, scanner, rng)


def pose(film: Image.Image, grid: Grid, rng: np.random.Generator) -> Image.Image:
    """Turn, shift and scale the picture a little: no patient stands in the middle."""
    angle, zoom = np.deg2rad(rng.normal(0.0, 2.0)), rng.uniform(0.86, 1.02)
    shift = rng.normal(0.0, 0.025, 2) / grid.pixel
    cos, sin = np.cos(angle) * zoom, np.sin(angle) * zoom
    middle = np.array([grid.width / 2, grid.height / 2])
    offset = middle - np.array([[cos, sin], [-sin, cos]]) @ (middle + shift)
    coefficients = (cos, sin, offset[0], -sin, cos, offset[1])
    return film.transform(film.size, Image.Transform.AFFINE, coefficients, resample=Image.Resampling.BILINEAR)


def mark(film: Image.Image, grid: Grid, scanner: Scanner, rng: np.random.Generator) -> Image.Image:
    """Burn in the side marker (L on the patient's left) and leave the collimator's black border."""
    draw = ImageDraw.Draw(film)
    size = max(8, round(0.10 / grid.pixel))
    font = ImageFont.load_default(size)
    left = rng.random() < 0.75
    x = grid.width - 1.6 * size if left else 0.6 * size
    y = rng.uniform(0.02, 0.14) * grid.height
    text = "L" if left else "R"
    if scanner.negative_corner:
        draw.rectangle([x - 3, y, x + size, y + 1.2 * size], fill=10)
    draw.text((x, y), text, fill=250, font=font)
    if scanner.marker:
        small = ImageFont.load_default(max(6, size // 2))
        draw.text(
            (x if not left else x - 0.3 * size * len(scanner.marker) / 2, y + 1.2 * size),
            scanner.marker,
            fill=235,
            font=small,
        )
    if scanner.collimation and rng.random() < 0.6:
        border = int(scanner.collimation * min(film.size) * rng.uniform(0.5, 1.5))
        top, bottom = rng.integers(0, border + 1, 2)
        draw.rectangle([0, 0, film.width, int(top)], fill=0)
        draw.rectangle([0, film.height - int(bottom), film.width, film.height], fill=0)
        edge = int(rng.integers(0, border + 1))
        draw.rectangle(
            [film.width - edge, 0, film.width, film.height] if rng.random() < 0.5 else [0, 0, edge, film.height], fill=0
        )
    return film
