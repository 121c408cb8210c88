"""What `ThresholdMatcher` means (SPEC section 6): comparisons alone, so that NumPy's are exact."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["ThresholdMatcher"]

Array = npt.NDArray[Any]


def ThresholdMatcher(
    x: npt.ArrayLike,
    *,
    high: float,
    low: float | None = None,
    low_quality: str | None = None,
    min_quality: float = 0.0,
    ties: bool = True,
    winner: str = "last",
) -> Array:
    """Define `refkernels.ThresholdMatcher`."""
    given = np.asarray(x)
    values = given if given.dtype.kind == "f" else given.astype(np.float64)
    with np.errstate(over="ignore"):
        # What is compared with data is in the data's dtype.
        upper = values.dtype.type(high)
        lower = values.dtype.type(high if low is None else low)
        least = values.dtype.type(min_quality)

    # The first argmax of each row, and its value: over nothing the largest is 0.
    own = values.argmax(-1) if values.shape[-1] else np.full(values.shape[:-1], -1)
    value = values.max(-1, initial=-np.inf) if values.shape[-1] else np.zeros(values.shape[:-1])
    matches = np.where(value >= upper, own, np.where(value < lower, -1, -2)).astype(np.int64)
    if low_quality is None or 0 in values.shape:
        return matches

    best_pairs = values == values.max(-2, keepdims=True)
    best_pairs &= (values > 0) & (values >= least)
    if not ties:
        best_pairs &= best_pairs.cumsum(-2) == 1
    columns = np.arange(values.shape[-1])
    if low_quality == "own":
        chosen = own
    elif winner == "last":
        chosen = np.where(best_pairs, columns, -1).max(-1)
    else:
        chosen = np.where(best_pairs, columns, len(columns)).min(-1)
    return np.where(best_pairs.any(-1), chosen, matches)
