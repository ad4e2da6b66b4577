"""Coordinates of a film and the few soft-edged shapes from which everything else is drawn.

The shorter side of the film spans [-1, 1]; x grows towards the right of the picture (the patient's left), y downwards.
Shapes return float32 arrays in [0, 1] of the film's size; x and y stay one-dimensional as long as possible for speed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image, ImageDraw, ImageFilter

Picture = Float32[np.ndarray, "height width"]
Line = tuple[Sequence[Sequence[float]], float]  # points (x, y), width


def soft(distance: Float[np.ndarray, "*shape"], width: float) -> Float32[np.ndarray, "*shape"]:
    """Smooth step from 0 to 1 over `distance` in [-width, width]."""
    t = np.asarray(distance * np.float32(0.5 / width), np.float32)
    # in place: this runs some thirty times per film and is most of its cost
    t += np.float32(0.5)
    np.maximum(t, np.float32(0.0), out=t)
    np.minimum(t, np.float32(1.0), out=t)
    rest = t * np.float32(-2.0)
    rest += np.float32(3.0)
    rest *= t
    rest *= t
    return rest


def radius2(
    x: Float32[np.ndarray, "1 width"],
    y: Float32[np.ndarray, "height 1"],
    x0: float,
    y0: float,
    a: float,
    b: float,
    angle: float = 0.0,
) -> Picture:
    """Squared elliptic radius of the points (x, y) around (x0, y0): 1 on the ellipse with semi-axes a, b at `angle`."""
    dx, dy = x - np.float32(x0), y - np.float32(y0)
    if angle == 0.0:
        return (dx / np.float32(a)) ** 2 + (dy / np.float32(b)) ** 2
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return (dx * (cos / np.float32(a)) + dy * (sin / np.float32(a))) ** 2 + (
        dy * (cos / np.float32(b)) - dx * (sin / np.float32(b))
    ) ** 2


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
    def x(self) -> Float32[np.ndarray, "1 width"]:
        """Of the columns."""
        return ((np.arange(self.width) + 0.5 - self.width / 2) * self.pixel).astype(np.float32)[None, :]

    @cached_property
    def y(self) -> Float32[np.ndarray, "height 1"]:
        """Of the rows."""
        return ((np.arange(self.height) + 0.5 - self.height / 2) * self.pixel).astype(np.float32)[:, None]

    def edge(self, width: float) -> float:
        """An edge's half-width that is never thinner than about a pixel, so that no edge shows steps."""
        return max(width, 0.8 * self.pixel)

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns within `reach` of (x, y), so that a small shape costs its own area only."""
        span = []
        for middle, size in ((y, self.height), (x, self.width)):
            low, high = (middle - reach) / self.pixel + size / 2, (middle + reach) / self.pixel + size / 2 + 1
            span.append(slice(int(np.clip(low, 0, size)), int(np.clip(high, 0, size))))
        return span[0], span[1]

    def local(
        self,
        x: float,
        y: float,
        a: float,
        b: float,
        angle: float,
        margin: float,
        profile: Callable[[Picture], Picture],
    ) -> Picture:
        """`profile` of the squared elliptic radius, computed within `margin` times the semi-axes, 0 elsewhere."""
        rows, columns = self.window(x, y, margin * max(a, b))
        out = np.zeros((self.height, self.width), np.float32)
        out[rows, columns] = profile(radius2(self.x[:, columns], self.y[rows], x, y, a, b, angle))
        return out

    def ellipse(self, x: float, y: float, a: float, b: float, angle: float = 0.0, edge: float = 0.02) -> Picture:
        """A filled ellipse with a soft edge of half-width `edge`."""
        width = self.edge(edge) / min(a, b)
        return self.local(x, y, a, b, angle, 1.0 + width, lambda r2: soft(np.float32(1.0) - np.sqrt(r2), width))

    def dome(self, x: float, y: float, a: float, b: float, angle: float = 0.0) -> Picture:
        """The thickness of an ellipsoid seen from the front: 1 in its middle, falling to 0 on its outline."""
        return self.local(x, y, a, b, angle, 1.0, lambda r2: np.sqrt(np.maximum(np.float32(1.0) - r2, 0.0)))

    def blob(self, x: float, y: float, a: float, b: float, angle: float = 0.0) -> Picture:
        """A cloud without an outline, about Gaussian (standard deviations 0.65 a and b), 0 from 1.6 a and b on."""
        return self.local(
            x, y, a, b, angle, 1.6, lambda r2: np.maximum(np.float32(1.0) - r2 * np.float32(0.4), 0.0) ** 3
        )

    def strokes(self, lines: Sequence[Line], blur: float = 0.0) -> Picture:
        """Polylines (points in film units, width), smooth at the edges; overlapping ones do not add up.

        `blur` is the standard deviation, in film units, of a softening.
        """
        # drawn at twice the size, then halved: Pillow's lines are jagged
        image = Image.new("L", (2 * self.width, 2 * self.height))
        draw = ImageDraw.Draw(image)
        scale = 2.0 / self.pixel
        for points, width in lines:
            thick = width * scale
            # a line thinner than the finest one is drawn proportionally fainter
            flat = [part for x, y in points for part in (x * scale + self.width, y * scale + self.height)]
            draw.line(flat, fill=int(255 * min(1.0, thick)), width=max(1, round(thick)))
        image = image.reduce(2)
        if blur:
            image = image.filter(ImageFilter.GaussianBlur(blur / self.pixel))
        strokes = np.asarray(image, np.float32)
        strokes *= np.float32(1.0 / 255.0)
        return strokes

    def clouds(self, rng: np.random.Generator, cells: int) -> Picture:
        """Smooth noise of mean 0 and standard deviation about 1, with about `cells` grains along the shorter side."""
        side = np.array([self.height, self.width]) / min(self.height, self.width)
        rows, columns = (int(np.ceil(cells * part)) + 2 for part in side)
        coarse = Image.fromarray(rng.standard_normal((rows, columns), np.float32))
        return np.asarray(coarse.resize((self.width, self.height), Image.Resampling.BICUBIC)) * np.float32(1.25)
