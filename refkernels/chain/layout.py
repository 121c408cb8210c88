"""Where anchors lie beyond their corners: points, levels, strides, and the sizes they look for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_indices,
    as_real,
    check_axis_length,
    keep,
    require,
    shown,
)
from refkernels.arrays.printing import times

__all__ = ["Layout", "check_layout"]


@dataclass(frozen=True, eq=False, repr=False)
class Layout:
    """What matchers look at that do not only compare IoUs.

    Parameters
    ----------
    levels : array_like, whole numbers, (L,)
        How many anchors each level of a pyramid has, in their order.
    strides : array_like, real, (L,) or (N,), optional
        The distance of cells in pixels: of each level, or of each anchor.
    ranges : array_like, real, (L, 2) or (N, 2), optional
        How far the sides of a box may be from an anchor's point that is to find it: the largest of
        the four distances is between the two (`PointMatcher`).

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong dtype or shape, or counts below 0.

    Examples
    --------
    >>> layout = Layout([4, 1], strides=[8, 16])
    >>> layout.strides
    array([ 8.,  8.,  8.,  8., 16.])
    """

    levels: npt.ArrayLike
    strides: npt.ArrayLike | None = None
    ranges: npt.ArrayLike | None = None

    def __post_init__(self) -> None:
        levels = as_indices("levels", self.levels)
        require(levels.ndim == 1, f"levels: expected one axis, got shape {levels.shape}")
        for i, count in enumerate(levels.tolist()):
            require(count >= 0, f"levels[{i}] is {count}, expected counts of at least 0")
        keep(self, levels=levels.astype(np.int64))
        for name, axes in (("strides", 1), ("ranges", 2)):
            given = getattr(self, name)
            if given is not None:
                keep(self, **{name: self._of_anchors(name, given, axes)})

    def _of_anchors(self, name: str, given: Any, axes: int) -> Array:
        levels: Any = self.levels
        values = as_real(name, given, min_ndim=axes, finite=name != "ranges").astype(np.float64)
        require(values.ndim == axes, f"{name}: expected {axes} axes, got shape {values.shape}")
        if axes == 2:
            check_axis_length(name, values, -1, 2)
        if len(values) == len(levels):
            values = np.repeat(values, levels, axis=0)
        count = int(levels.sum())
        require(
            len(values) == count,
            f"{name}: expected one for each of {times(len(levels), 'level')} or "
            f"{times(count, 'anchor')}, "
            f"got {len(values)}",
        )
        return values

    def __len__(self) -> int:
        total: Any = self.levels
        return int(total.sum())

    def __repr__(self) -> str:
        levels: Any = self.levels  # what else it has may be as long as the anchors are many
        return (
            f"<Layout of {times(len(self), 'anchor')} in levels of {', '.join(map(str, levels))}>"
        )


def check_layout(layout: Layout | None, count: int) -> None:
    """Raise `TypeError` or `ValueError` if a layout is none, or not one of so many anchors."""
    if layout is not None and not isinstance(layout, Layout):
        raise TypeError(f"layout: expected a Layout, got {shown(layout)}")
    require(
        layout is None or len(layout) == count,
        f"layout: expected levels of {times(count, 'anchor')} together, got {len(layout or ())}",
    )
