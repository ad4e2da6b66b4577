"""Arrays in and out of a network and of files: by readable name, in safetensors, complete or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import jax
import numpy as np
from flax import nnx
from jaxtyping import Shaped
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from qcxr.errors import InputError
from qcxr.study.files import replacing

Network = TypeVar("Network")  # an nnx.Module, which a protocol cannot say of itself


def collect(network: Network) -> dict[str, np.ndarray]:
    """Every array of a network, parameters and statistics, by its dotted path."""
    return {_name(path): np.asarray(value[...]) for path, value in nnx.to_flat_state(nnx.state(network))}


def fill(network: Network, values: Mapping[str, np.ndarray], *, source: str = "weights") -> Network:
    """Put `values` (by dotted path) into the network in place: every one matched by name and shape, none missing.

    Raises InputError with the first mismatch.
    """
    variables = dict((_name(path), value) for path, value in nnx.iter_graph(network) if isinstance(value, nnx.Variable))
    for name, variable in variables.items():
        if name not in values:
            raise InputError(f"{source}: array {name!r} is missing; the file is not of this model, or incomplete")
        if tuple(values[name].shape) != tuple(variable.shape):
            raise InputError(
                f"{source}: array {name!r} must have shape {tuple(variable.shape)}, got {tuple(values[name].shape)}; "
                "the file is of another model"
            )
    for name in values:
        if name not in variables:
            raise InputError(f"{source}: array {name!r} has no place in the model; the file is of another model")
    for name, variable in variables.items():
        # a copy, since JAX may share numpy's memory; made by numpy, since JAX would compile one for each shape
        variable.set_raw_value(jax.device_put(np.array(values[name], np.float32)))
    return network


def channels_last(value: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """A torch kernel (out, in, rows, columns) in our order, (rows, columns, in, out); anything else as it is."""
    return np.ascontiguousarray(value.transpose(2, 3, 1, 0)) if value.ndim == 4 else value


def write(path: Path | str, values: Mapping[str, np.ndarray], header: dict[str, str] | None = None) -> None:
    """Write arrays by name as one safetensors file, atomically. Raises InputError where there is no room for it."""
    with replacing(path) as temporary:
        temporary.write_bytes(save(dict(values), metadata=header))  # safetensors' own writing hides what went wrong


def read(path: Path | str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """(arrays by name, header) of a safetensors file; a file that cannot be read is an InputError."""
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def read_names(path: Path | str) -> list[str]:
    """The names of a safetensors file's arrays, as `read`, without reading these."""
    with _opened(path) as file:
        return list(file.keys())


@contextmanager
def _opened(path: Path | str) -> Iterator[safe_open]:
    if Path(path).is_dir():
        raise InputError(f"{path} is a folder; give a safetensors file, of a run its best.safetensors")
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except FileNotFoundError:
        raise InputError(f"no file {path}; give a safetensors file that exists") from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is not a complete safetensors file ({error}); fetch or write it again") from None


def _name(path: tuple) -> str:
    return ".".join(map(str, path))
