"""What a DICOM's header says of the levels to show: modality LUT or rescale, VOI LUT or window (PS3.3, C.11)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float64, Integer

from qcxr.data.film import FilmError
from qcxr.data.levels import scaled

if TYPE_CHECKING:
    from pydicom import Dataset

Codes = Integer[np.ndarray, " codes"]
Used = Bool[np.ndarray, " codes"]
Values = Float64[np.ndarray, " codes"]


def presented(film: "Dataset", codes: Codes, used: Callable[[], Used], levels: str) -> Values:
    """Each stored value on [0, 1], before an inversion. used: gives those that are there. levels: as `image.levels`."""
    values = _modality(film, codes)
    if levels == "auto":
        if film.get("VOILUTSequence"):
            return _voi_lut(film, values)
        if film.get("WindowCenter") is not None and film.get("WindowWidth") is not None:
            return window(values, _first(film.WindowCenter), _first(film.WindowWidth), _function(film))
    among = values if levels == "full" else values[used()]
    return scaled(values, float(among.min()), float(among.max()))


def window(values: Values, center: float, width: float, function: str = "LINEAR") -> Values:
    """PS3.3, C.11.2.1.2.1 and C.11.2.1.3, on [0, 1]. Raises FilmError: no such function, or a width it cannot have."""
    if not np.isfinite([center, width]).all() or (width < 1 and function == "LINEAR") or width <= 0:
        raise FilmError(f"a DICOM whose window has centre {center:g} and width {width:g}")
    if function == "SIGMOID":
        return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - center) / width, -700.0, 700.0)))
    if function == "LINEAR":
        center, width = center - 0.5, width - 1.0
    elif function != "LINEAR_EXACT":
        raise FilmError(f"a DICOM whose VOI LUT function is {function[:16]}, not LINEAR, LINEAR_EXACT or SIGMOID")
    if width == 0:  # LINEAR of width 1: a threshold
        return (values > center).astype(np.float64)
    return np.clip((values - center) / width + 0.5, 0.0, 1.0)


def _modality(film: "Dataset", codes: Codes) -> Values:
    from pydicom.pixels import apply_modality_lut  # here: optional, and most films are not DICOM

    values = np.asarray(apply_modality_lut(codes, film), np.float64)
    if not np.isfinite(values).all() or np.ptp(values) == 0:
        raise FilmError("a DICOM whose rescale slope or intercept is none")
    return values


def _voi_lut(film: "Dataset", values: Values) -> Values:
    from pydicom.pixels import apply_voi  # here: optional

    (_, _, bits) = film.VOILUTSequence[0].LUTDescriptor
    return np.asarray(apply_voi(np.rint(values).astype(np.int64), film), np.float64) / (2.0 ** int(bits) - 1.0)


def _function(film: "Dataset") -> str:
    return str(film.get("VOILUTFunction") or "LINEAR").strip().upper()


def _first(value: object) -> float:
    """The first of one or several numbers."""
    return float(np.ravel(np.asarray(value, np.float64))[0])
