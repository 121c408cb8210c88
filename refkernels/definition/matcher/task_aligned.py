"""What TaskAlignedMatcher means (SPEC section 6): it only compares."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["TaskAlignedMatcher"]

Array = npt.NDArray[Any]


def TaskAlignedMatcher(
    metric: npt.ArrayLike,
    ious: npt.ArrayLike,
    inside: npt.ArrayLike,
    *,
    topk: int = 13,
    conflict: str = "all",
    inside_first: bool = True,
    positive: bool = True,
) -> Array:
    """Define `refkernels.TaskAlignedMatcher`."""
    metrics, is_inside = np.asarray(metric), np.asarray(inside, bool)
    counts = is_inside & (metrics > 0 if positive else metrics >= 0)
    among = counts if inside_first else np.ones_like(counts)
    matches = np.full(metrics.shape[:-1], -1, np.int64)
    for image in np.ndindex(matches.shape[:-1]):
        selected = _select(metrics[image].tolist(), among[image], topk) & counts[image]
        overlaps = np.asarray(ious)[image].tolist()
        for r in np.flatnonzero(selected.any(-1)):
            rivals = selected[r]
            if rivals.sum() > 1 and conflict == "all":
                rivals = is_inside[image][r]
            # The first of the largest.
            matches[(*image, r)] = max(np.flatnonzero(rivals), key=lambda c: overlaps[r][c])
    return matches


def _select(metric: list[list[float]], among: Array, topk: int) -> Array:
    """Return which pairs of one image are the topk of their column, of those it is among."""
    selected = np.zeros_like(among)
    for c in range(among.shape[1]):
        rows = np.flatnonzero(among[:, c]).tolist()
        best = sorted(rows, key=lambda r: metric[r][c], reverse=True)[:topk]  # is stable
        selected[best, c] = True
    return selected
