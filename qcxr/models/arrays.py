"""Arrays in and out of a network and of files: by readable name, in safetensors, complete or not at all."""

import os
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from flax import nnx

from qcxr.errors import InputError


def collect(model: nnx.Module) -> dict[str, np.ndarray]:
    """Every array of the model, parameters and statistics, by its dotted path."""
    return {_name(path): np.asarray(value[...]) for path, value in nnx.to_flat_state(nnx.state(model))}


def fill(model: nnx.Module, values: dict[str, np.ndarray], *, source: str = "weights") -> nnx.Module:
    """Put `values` (by dotted path) into the model in place: every one matched by name and shape, none missing.

    Raises InputError with the first mismatch.
    """
    variables = dict((_name(path), value) for path, value in nnx.iter_graph(model) if isinstance(value, nnx.Variable))
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
        variable.set_raw_value(jnp.array(values[name], jnp.float32))  # a copy: JAX may share numpy memory
    return model


def write(path: Path | str, values: dict[str, np.ndarray], header: dict[str, str] | None = None) -> None:
    """Write arrays by name as one safetensors file, atomically."""
    from safetensors.numpy import save_file

    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(values, temporary, metadata=header)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path | str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """(arrays by name, header) of a safetensors file; a file that cannot be read is an InputError."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise InputError(f"no file {path}; give a safetensors file that exists") from None
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is not a complete safetensors file ({error}); fetch or write it again") from None


def _name(path: tuple) -> str:
    return ".".join(map(str, path))
