"""bfloat16, which NumPy does not have: its numbers in float32, marked as what they stand for.

Like float16 it is computed in float32 and rounded once at the end (SPEC section 0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array

__all__ = ["BFLOAT16", "LARGEST", "BFloat16", "joined", "rounded", "rounded_config"]

BFLOAT16 = "bfloat16"

# 8 significant bits; the exponents are those of float32, subnormal numbers and all.
BITS, LOWEST = 8, -133
LARGEST = (2 - 2.0**-7) * 2.0**127

# Parameters that are compared with data, and so rounded to its dtype.
COMPARED = (
    "threshold",
    "thresh",
    "pos_thresh",
    "neg_thresh_high",
    "neg_thresh_low",
    "high",
    "low",
    "margin",
    "min_quality",
)


class BFloat16(np.ndarray[Any, np.dtype[np.float32]]):
    """An array of float32 whose numbers are those of bfloat16, and which stands for such."""


def rounded(x: Any) -> Array:
    """Return float32 with the numbers of bfloat16 that are next, and on a tie even."""
    values = np.asarray(x, np.float64)
    exponents = np.maximum(np.frexp(values)[1] - BITS, LOWEST)
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.ldexp(np.rint(np.ldexp(values, -exponents)), exponents)
    return np.where(np.isfinite(values), found, values).astype(np.float32).view(BFloat16)


def joined(arrays: Sequence[Array], join: Callable[[Sequence[Array]], Array]) -> Array:
    """Return arrays put together, which stand for bfloat16 if the first does."""
    found = join(arrays)
    return found.view(BFloat16) if isinstance(arrays[0], BFloat16) else found


def rounded_config(config: Mapping[str, Any], *, compares_eps: bool = True) -> dict[str, Any]:
    """Return parameters with those that are compared with data as bfloat16 has them.

    A matcher's eps is; that of an operator which computes enters arithmetic.
    """
    return {
        name: value if name == "eps" and not compares_eps else _rounded_value(name, value)
        for name, value in config.items()
    }


def _rounded_value(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded_value("", item) for item in value]
    if hasattr(value, "config"):  # a recipe
        return replace(value, config=rounded_config(value.config))
    is_eps = name == "eps"
    if (name in COMPARED or is_eps) and isinstance(value, (int, float)) and np.isfinite(value):
        return float(rounded(value))
    return value
