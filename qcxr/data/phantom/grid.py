"""Coordinates of a film and the few soft-edged shapes from which everything else is drawn.

The shorter side of the film spans [-1, 1]; x grows towards the right of the picture (the patient's left), y downwards.
Shapes return float32 arrays in [0, 1] of the film's size; x and y stay one-dimensional as long as possible for speed.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Array = NDArray[np.float32]


def soft(distance: Array, width: float) -> Array:
    """Smooth step from 0 to 1 over `distance` in [-width, width]; any shape."""
    t = np.clip(distance * np.float32(0.5 / width) + np.float32(0.5), 0.0, 1.0)
    return t * t * (np.float32(3.0) - np.float32(2.0) * t)


@dataclass(frozen=True)
class Grid:
    """The pixel centres of a film of `height` x `width` pixels."""

    height: int
    width: int

    @cached_property
    def pixel(self) -> float:
        """One pixel in film units."""
        return 2.0 / min(self.height, self.width)

    @cached_property
    def x(self) -> Array:
        """(1, width)"""
        return ((np.arange(self.width) + 0.5 - self.width / 2) * self.pixel).astype(np.float32)[None, :]

    @cached_property
    def y(self) -> Array:
        """(height, 1)"""
        return ((np.arange(self.height) + 0.5 - self.height / 2) * self.pixel).astype(np.float32)[:, None]

    def edge(self, width: float) -> float:
        """An edge's half-width that is never thinner than about a pixel, so that no edge shows steps."""
        return max(width, 0.8 * self.pixel)

    def radius2(self, x: float, y: float, a: float, b: float, angle: float = 0.0) -> Array:
        """Squared elliptic radius around (x, y): 1 on the ellipse of semi-axes a, b turned by `angle` radians."""
        dx, dy = self.x - np.float32(x), self.y - np.float32(y)
        if angle == 0.0:
            return (dx / np.float32(a)) ** 2 + (dy / np.float32(b)) ** 2
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return ((cos * dx + sin * dy) / np.float32(a)) ** 2 + ((cos * dy - sin * dx) / np.float32(b)) ** 2

    def ellipse(self, x: float, y: float, a: float, b: float, angle: float = 0.0, edge: float = 0.02) -> Array:
        """A filled ellipse with a soft edge of half-width `edge`."""
        radius = np.sqrt(self.radius2(x, y, a, b, angle))
        return soft(np.float32(1.0) - radius, self.edge(edge) / min(a, b))

    def dome(self, x: float, y: float, a: float, b: float, angle: float = 0.0) -> Array:
        """The thickness of an ellipsoid seen from the front: 1 in its middle, falling to 0 on its outline."""
        return np.sqrt(np.maximum(np.float32(1.0) - self.radius2(x, y, a, b, angle), 0.0))

    def blob(self, x: float, y: float, a: float, b: float, angle: float = 0.0) -> Array:
        """A cloud without an outline, about Gaussian with standard deviations a / 2, b / 2."""
        t = np.maximum(np.float32(1.0) - self.radius2(x, y, a, b, angle) * np.float32(0.4), 0.0)
        return t * t * t

    def strokes(self, lines: list[tuple[list[tuple[float, float]], float]]) -> Array:
        """Polylines in film units, each (points, width); overlapping ones do not add up."""
        image = Image.new("L", (self.width, self.height))
        draw = ImageDraw.Draw(image)
        for points, width in lines:
            pixels = [(px / self.pixel + self.width / 2, py / self.pixel + self.height / 2) for px, py in points]
            thick = width / self.pixel
            # a line thinner than a pixel is drawn one pixel wide and proportionally fainter
            level = int(255 * min(1.0, thick))
            draw.line(pixels, fill=level, width=max(1, round(thick)), joint="curve" if thick > 3 else None)
        return np.asarray(image, np.float32) / np.float32(255.0)

    def clouds(self, rng: np.random.Generator, cells: int) -> Array:
        """Smooth noise of mean 0 and standard deviation about 1, with about `cells` grains along the shorter side."""
        side = np.array([self.height, self.width]) / min(self.height, self.width)
        rows, columns = (int(np.ceil(cells * part)) + 2 for part in side)
        coarse = Image.fromarray(rng.standard_normal((rows, columns), np.float32))
        return np.asarray(coarse.resize((self.width, self.height), Image.Resampling.BICUBIC)) * np.float32(1.25)
