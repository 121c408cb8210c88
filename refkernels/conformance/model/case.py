"""What a case is: an operator's parameters with the inputs of one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16, LARGEST, rounded

__all__ = ["DTYPES", "INTEGERS", "Case", "Image", "Recipe", "dtype_text"]

# Larger arrays of mostly zeros are written down by their other elements.
SPARSE_LIMIT = 1000

# The dtypes of reals, and of integers that stand for reals.
DTYPES = ("float16", "float32", "float64")
INTEGERS = ("int32", "int64", "uint8")

# Inputs that tell samples, matches and classes apart; what is real is in the others.
LABELS = ("samples", "matches", "labels")

# Large enough for areas to leave int32, and small enough for float32 to hold each number.
WHOLE_RANGES = {
    "int32": (-(2.0**20), 2.0**20),
    "int64": (-(2.0**22), 2.0**22),
    "uint8": (0.0, 255.0),
}

# The largest magnitude that a drawn value keeps when a case is cast to float16.
FLOAT16_MAX = float(np.finfo(np.float16).max)
FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Recipe:
    """An operator by name with its parameters, as the value of another operator's parameter.

    ``CompositeMatcher(matchers=[Recipe("MaximumMatcher", {"threshold": 0.5})])`` is built from the
    classes of whatever is under test.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"{self.name}({_keywords(self.config)})"


@dataclass(frozen=True)
class Case:
    """One configuration of an operator with the inputs of one call.

    Parameters
    ----------
    config : mapping
        The constructor's keywords; what is absent has its default.
    inputs : mapping of str to numpy.ndarray
        The arguments of the call, in order. Float64 arrays are cast to each dtype under test; other
        dtypes stay as they are.
    """

    config: Mapping[str, Any]
    inputs: Mapping[str, Array]

    def astype(self, dtype: Any) -> Case:
        """Cast the float64 inputs to `dtype`; beyond the range of one they stop at its ends."""
        if dtype == BFLOAT16:
            inputs = {
                name: rounded(np.clip(array, -LARGEST, LARGEST))
                if array.dtype == np.float64
                else array
                for name, array in self.inputs.items()
            }
            return replace(self, inputs=inputs)
        dtype = np.dtype(dtype)
        return replace(self, inputs={k: _cast(v, dtype) for k, v in self.inputs.items()})

    def as_whole(self, dtype: Any, factor: float = 1) -> Case | None:
        """Return the case with whole numbers for its reals, float64 still, in a dtype's range.

        They are rounded after they are multiplied by the factor, but for what only tells samples,
        matches or classes apart, which becomes int64. Returns None if there is nothing of the kind.
        """
        low, high = WHOLE_RANGES[np.dtype(dtype).name]
        inputs, reals = {}, 0
        for name, array in self.inputs.items():
            if array.dtype.kind == "f" and name in LABELS:
                array = np.rint(array).astype(np.int64)
            elif array.dtype.kind == "f":
                with np.errstate(over="ignore"):
                    array = np.rint(array.astype(np.float64) * factor)
                array = np.clip(array, low, high) + 0.0
                reals += 1
            inputs[name] = array
        return replace(self, inputs=inputs) if reals else None

    def numbers(self) -> list[float]:
        """Return the real numbers among the parameters, those of operators in them too."""
        return list(_numbers(self.config))

    def call(self, name: str) -> str:
        """Return the operator with its parameters as an expression: ``BBoxArea(fmt='center')``."""
        return f"{name}({_keywords(self.config)})"

    def assignments(self) -> str:
        """Return the inputs as assignments that can be pasted into Python."""
        return "\n".join(f"{name} = {_literal(array)}" for name, array in self.inputs.items())


class Image(NamedTuple):
    """A real or generated image's boxes with the anchors to match them against.

    Both in corner form and pixels, float64: `boxes` (M, 4), `anchors` (N, 4). `labels` (M,) are
    whole numbers from 0.
    """

    name: str
    boxes: Array
    labels: Array
    anchors: Array


def _cast(array: Array, dtype: Any) -> Array:
    if array.dtype != np.float64:
        return array
    if np.dtype(dtype).kind in "iu":
        return np.clip(np.rint(array), *WHOLE_RANGES[np.dtype(dtype).name]).astype(dtype)
    if dtype == np.float16:
        array = np.clip(array, -FLOAT16_MAX, FLOAT16_MAX)
    elif dtype == np.float32:
        # Infinity is meant where it is given: a level's range has no end.
        array = np.where(np.isinf(array), array, np.clip(array, -FLOAT32_MAX, FLOAT32_MAX))
    # A small negative number may round to -0, which exact arithmetic does not know. Adding 0 makes
    # it 0.
    return np.asarray(array.astype(dtype) + np.dtype(dtype).type(0))


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, Recipe):
        yield from _numbers(value.config)
    elif isinstance(value, Mapping):
        yield from _numbers(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(item)


def _keywords(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in config.items())


def dtype_text(array: Array) -> str:
    """Return a dtype as an expression that every NumPy has; of 1.26, ``np.bool`` is none."""
    return "np.bool_" if array.dtype == np.bool_ else f"np.{array.dtype}"


def _literal(array: Array) -> str:
    if not array.size:
        return f"np.zeros({array.shape}, {dtype_text(array)})"
    places = np.flatnonzero(array)
    if array.size > SPARSE_LIMIT and 8 * len(places) < array.size:
        if not len(places):
            return f"np.zeros({array.shape}, {dtype_text(array)})"
        numbers = array.ravel()[places].astype(np.float64).tolist()
        flat = f"np.bincount({places.tolist()}, {numbers}, {array.size})"
        return f"{flat}.reshape({array.shape}).astype({dtype_text(array)})"
    # repr of a Python float has all the digits that bring the same number back.
    values = array.astype(np.float64) if array.dtype.kind == "f" else array
    return f"np.array({values.tolist()!r}, {dtype_text(array)})"
