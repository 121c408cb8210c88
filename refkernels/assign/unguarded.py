"""What packages do with a ground truth that overlaps nothing, for those who want just that."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_real, rounded
from refkernels.matcher import ThresholdMatcher

__all__ = ["UnguardedMatcher"]


@dataclass(frozen=True)
class UnguardedMatcher(ThresholdMatcher):
    """Match as `ThresholdMatcher`, but with best pairs whose value is 0, as packages have them.

    The largest value of a column that overlaps nothing is 0, and all rows hold it. So with ties all
    rows are in a best pair, and each is matched, and without them the first row, whatever it
    overlaps.

    Parameters
    ----------
    high, low, low_quality, min_quality, ties, winner
        Those of `ThresholdMatcher`.

    References
    ----------
    torchvision 0.29, ``Matcher.set_low_quality_matches_`` and ``SSDMatcher``; detectron2 0.6,
    ``Matcher``; mmdetection 3.3, ``MaxIoUAssigner`` with ``min_pos_iou=0``.

    Examples
    --------
    >>> import numpy as np
    >>> ious = np.array([[0.8, 0.0], [0.5, 0.0], [0.1, 0.0]])
    >>> UnguardedMatcher(0.7, 0.3, low_quality="own")(ious)  # column 1 overlaps nothing
    array([0, 0, 0])
    >>> UnguardedMatcher(0.5, low_quality="truth", ties=False)(ious)
    array([ 1,  0, -1])
    """

    @classmethod
    def of(cls, matcher: ThresholdMatcher) -> "UnguardedMatcher":
        """Return the same matcher without the guard."""
        return cls(**{own.name: getattr(matcher, own.name) for own in fields(matcher)})

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Match the rows of `x`, as `ThresholdMatcher` does."""
        bare = {own.name: getattr(self, own.name) for own in fields(self)}
        matches = ThresholdMatcher(**{**bare, "low_quality": None})(x)
        values = as_real("x", x, min_ndim=2)
        if self.low_quality is not None and values.size:
            count, columns = values.shape[-2:]
            least = rounded(self.min_quality, values.dtype)
            images = values.reshape(-1, count, columns), matches.reshape(-1, count)
            for own, found in zip(*images, strict=True):
                self._match_best(own, least, found)
        return matches

    def _match_best(self, x: Array, least: Any, matches: Array) -> None:
        order = range(x.shape[1])
        for column in order if self.winner == "last" else reversed(order):
            best = x[:, column].max()
            if best < least:
                continue
            rows = np.flatnonzero(x[:, column] == best)[: None if self.ties else 1]
            matches[rows] = x[rows].argmax(1) if self.low_quality == "own" else column
