"""What the samplers of anchors share: their inputs, and the rounding of quotas (SPEC section 3)."""

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_indices, as_real, require, to_computing
from refkernels.jit import jit

__all__ = ["WHOLE", "as_matches", "as_maxima", "row_maxima", "whole"]

# A product of a ratio and a count that misses a whole number by less than this is that number: 0.29
# of 100 is 29, though the product is 28.999999999999996.
WHOLE = 1e-9


def as_matches(matches: npt.ArrayLike) -> Array:
    """Check that `matches` are whole numbers, (B, N) or (N,)."""
    indices = as_indices("matches", matches)
    require(indices.ndim in (1, 2), f"matches: expected (B, N) or (N,), got shape {indices.shape}")
    return indices


def as_maxima(ious: npt.ArrayLike, matches: Array) -> Array:
    """Check IoUs, and return the largest of each anchor, in their dtype.

    Parameters
    ----------
    ious : array_like, real, (B, N, M), (B, N), (N, M) or (N,)
        The IoU of each anchor with each ground truth, or the largest of them.
    matches : numpy.ndarray, (B, N) or (N,)
        What they go with.

    Returns
    -------
    numpy.ndarray
        Of the shape of `matches`; 0 where there is no ground truth.
    """
    values = as_real("ious", ious)
    if values.shape == matches.shape:
        return values
    require(
        values.shape[:-1] == matches.shape,
        f"ious: expected {matches.shape}, the shape of matches, or that and then an axis of ground "
        f"truth, got {values.shape}",
    )
    return row_maxima(values)


def row_maxima(ious: Array) -> Array:
    """Return the largest of IoUs (..., M), 0 where M is 0."""
    rows = to_computing(ious, ious.dtype).reshape(-1, max(ious.shape[-1], 1))
    maxima = np.zeros(ious.shape[:-1], rows.dtype)
    _row_maxima(rows, maxima.reshape(-1))
    return maxima.astype(ious.dtype, copy=False)


@jit
def _row_maxima(ious, out):  # type: ignore[no-untyped-def]
    for i in range(ious.shape[0]):
        best = ious[i, 0]
        for j in range(1, ious.shape[1]):
            best = ious[i, j] if ious[i, j] > best else best
        out[i] = best


@jit
def whole(product):  # type: ignore[no-untyped-def]
    """Return a product of a ratio and a count without its fraction."""
    nearest = np.rint(product)
    return nearest if abs(product - nearest) <= WHOLE else np.floor(product)
