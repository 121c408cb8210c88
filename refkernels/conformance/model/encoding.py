"""Cases as JSON: parameters with their types, arrays with their dtypes, no number changed.

Numbers that JSON does not know are written as strings: "nan", "inf", "-inf".
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case, Recipe

__all__ = ["decode_case", "decode_config", "encode_case", "encode_config"]

# Arrays of more elements are left out of a case: they are in the folder it is saved in.
LARGE = 10_000


def encode_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return an operator's parameters as what `json.dumps` takes.

    Raises
    ------
    TypeError
        If a parameter is neither a number, string, None, list, tuple, dict nor `Recipe`.
    """
    return {name: _encode(value) for name, value in config.items()}


def decode_config(data: Mapping[str, Any]) -> dict[str, Any]:
    """Restore what `encode_config` gave."""
    return {name: _decode(value) for name, value in data.items()}


def encode_case(case: Case) -> dict[str, Any]:
    """Return a case as what `json.dumps` takes; of large arrays all but the values."""
    return {
        "config": encode_config(case.config),
        "inputs": {name: _encode_array(array) for name, array in case.inputs.items()},
    }


def decode_case(data: Mapping[str, Any]) -> Case | None:
    """Restore what `encode_case` gave, or return None if a large array was left out."""
    arrays = data["inputs"]
    if any(array["values"] is None for array in arrays.values()):
        return None
    inputs = {name: _decode_array(array) for name, array in arrays.items()}
    return Case(decode_config(data["config"]), inputs)


def _encode(value: Any) -> Any:
    if isinstance(value, Recipe):
        return {"operator": value.name, "config": encode_config(value.config)}
    if isinstance(value, dict):
        return {"dict": encode_config(value)}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_encode(item) for item in value]}
    if isinstance(value, np.generic):
        return {"numpy": value.dtype.name, "value": _encode(value.item())}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"cannot save a parameter of type {type(value).__name__}: {value!r}")


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    match value:
        case {"operator": str(name), "config": dict(config)}:
            return Recipe(name, decode_config(config))
        case {"dict": dict(items)}:
            return decode_config(items)
        case {"tuple": list(items)}:
            return tuple(_decode(item) for item in items)
        case {"list": list(items)}:
            return [_decode(item) for item in items]
        case {"numpy": str(dtype), "value": number}:
            return np.dtype(dtype).type(_decode(number))
        case {"float": str(text)}:
            return float(text)
    raise ValueError(f"unknown value {value!r}")


def _encode_array(array: Array) -> dict[str, Any]:
    values = array.tolist() if array.size <= LARGE else None
    if values is not None and array.dtype.kind == "f" and not np.isfinite(array).all():
        values = _named(values)
    return {"dtype": array.dtype.name, "shape": list(array.shape), "values": values}


def _named(values: Any) -> Any:
    """Write nan and infinities as strings, in nested lists."""
    if isinstance(values, list):
        return [_named(value) for value in values]
    return values if math.isfinite(values) else repr(values)


def _decode_array(data: Mapping[str, Any]) -> Array:
    # Strings among the numbers make an array of strings, which NumPy reads as the numbers again.
    return np.array(data["values"]).astype(data["dtype"]).reshape(data["shape"])
