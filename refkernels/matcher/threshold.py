"""The matcher with two thresholds, and with or without low-quality matches."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_real,
    check_choice,
    check_finite,
    check_flag,
    check_number,
    keep,
    require,
    rounded,
)
from refkernels.jit import jit
from refkernels.matcher.base import BLOCK, NEITHER, UNMATCHED, Matcher, as_matrices

__all__ = ["LOW_QUALITY", "WINNERS", "ThresholdMatcher", "least_of_best"]

# Elements that are looked at in one go, of which BLOCK at a time are again where one reaches a
# threshold: hardly any does, and a start costs as much as a hundred elements.
STEP = 1024

# Steps of a part of the rows, of which each column's largest value is kept: so many that keeping
# them costs nothing, and so few that reading one part again for each column does not either.
PART = 4

LOW_QUALITY = ("own", "truth")
WINNERS = ("last", "first")


@dataclass(frozen=True)
class ThresholdMatcher(Matcher):
    """Match each row with its largest column, and each column with its best rows.

    With a the first argmax of row r and v its value, the match is a if ``v >= high``, -1 if
    ``v < low``, and -2 between the two, for neither.

    Then low quality, if that is asked for. A pair (r, c) is a *best pair* if ``x[r, c]`` is the
    largest of column c over all rows, more than 0 and at least `min_quality`. A row in a best pair
    is matched whatever its v.

    Parameters
    ----------
    high : float
        The least value that is matched.
    low : float, optional
        The value below which a row is unmatched; at most `high`, and by default that.
    low_quality : {'own', 'truth'}, optional
        What a row in a best pair is matched with. 'own': its own a, which need not be in the pair
        (torchvision, detectron2). 'truth': a column of its best pairs, even if it had another match
        (mmdetection, SSD, TensorFlow). By default there is no low quality.
    min_quality : float, default 0
        What a best pair must reach at least.
    ties : bool, default True
        Whether all rows that hold a column's largest value are in a best pair, or the first alone.
    winner : {'last', 'first'}, default 'last'
        With 'truth', which column a row gets that is in several best pairs: the highest or the
        lowest.

    Raises
    ------
    TypeError
        If a parameter or the input has the wrong type or dtype.
    ValueError
        If a parameter is not finite, unknown, or `low` more than `high`; if `x` has fewer than two
        axes, or holds nan or infinity.

    Notes
    -----
    All three thresholds are rounded to the dtype of `x`. A column that overlaps nothing, such as
    one of padding, has no best pair. Without columns the largest value of a row is 0, and where
    that reaches `high` there is nothing to match, so -1.

    The cost is one pass over the matrix, and with low quality one more over those parts of it, of
    some thousand elements each, that hold the largest value of a column.

    References
    ----------
    SPEC section 6; Ren et al., "Faster R-CNN", 2015, section 3.1.2.

    Examples
    --------
    >>> import numpy as np
    >>> ious = np.array([[0.8, 0.1], [0.5, 0.2], [0.1, 0.0], [0.4, 0.3]])
    >>> ThresholdMatcher(0.7, 0.3)(ious)
    array([ 0, -2, -1, -2])
    >>> ThresholdMatcher(0.7, 0.3, low_quality="own")(ious)  # row 3 is the best of column 1
    array([ 0, -2, -1,  0])
    >>> ThresholdMatcher(0.7, 0.3, low_quality="truth")(ious)
    array([ 0, -2, -1,  1])
    """

    high: float
    low: float | None = None
    low_quality: str | None = None
    min_quality: float = 0.0
    ties: bool = True
    winner: str = "last"

    def __post_init__(self) -> None:
        keep(
            self,
            high=check_number("high", self.high),
            min_quality=check_number("min_quality", self.min_quality),
            ties=check_flag("ties", self.ties),
            winner=check_choice("winner", self.winner, WINNERS),
        )
        if self.low is not None:
            keep(self, low=check_number("low", self.low))
            require(
                self.low <= self.high,
                f"low: expected a number of at most high, {self.high}, got {self.low}",
            )
        if self.low_quality is not None:
            own = check_choice("low_quality", self.low_quality, LOW_QUALITY)
            keep(self, low_quality=own)

    @classmethod
    def torchvision(
        cls, high: float, low: float, allow_low_quality_matches: bool = False
    ) -> "ThresholdMatcher":
        """Return torchvision's ``Matcher``, and detectron2's with labels [0, -1, 1].

        A row in a best pair keeps the ground truth it overlaps most itself. The paper (Faster
        R-CNN, section 3.1.2) makes such an anchor positive and does not say for which ground truth.
        Unlike theirs, one that overlaps nothing does not make positives of all anchors.

        Parameters
        ----------
        high, low : float
            The thresholds.
        allow_low_quality_matches : bool, default False
            Whether there is low quality.

        Examples
        --------
        >>> ThresholdMatcher.torchvision(0.7, 0.3, allow_low_quality_matches=True).low_quality
        'own'
        """
        allowed = check_flag("allow_low_quality_matches", allow_low_quality_matches)
        return cls(high, low, low_quality="own" if allowed else None)

    @classmethod
    def mmdet(
        cls,
        pos_iou_thr: float,
        neg_iou_thr: float,
        min_pos_iou: float = 0.0,
        match_low_quality: bool = True,
        gt_max_assign_all: bool = True,
    ) -> "ThresholdMatcher":
        """Return mmdetection's ``MaxIoUAssigner``, which says 0 for -1 here and -1 for -2.

        A row in a best pair gets the ground truth of that pair, the last of several, even where it
        overlaps another more. The paper (Faster R-CNN, section 3.1.2) has no least quality, and
        does not say which ground truth such an anchor gets. Unlike theirs, with a `min_pos_iou` of
        0 a ground truth that overlaps nothing takes no anchors.

        Parameters
        ----------
        pos_iou_thr, neg_iou_thr : float
            The thresholds `high` and `low`.
        min_pos_iou : float, default 0
            `min_quality`.
        match_low_quality : bool, default True
            Whether there is low quality.
        gt_max_assign_all : bool, default True
            `ties`.

        Examples
        --------
        >>> ThresholdMatcher.mmdet(0.7, 0.3, min_pos_iou=0.3).low_quality
        'truth'
        """
        matched = check_flag("match_low_quality", match_low_quality)
        return cls(
            high=pos_iou_thr,
            low=neg_iou_thr,
            low_quality="truth" if matched else None,
            min_quality=min_pos_iou,
            ties=gt_max_assign_all,
        )

    @classmethod
    def ssd(cls, threshold: float = 0.5) -> "ThresholdMatcher":
        """Return torchvision's ``SSDMatcher``: each ground truth gets its first best anchor.

        Where several want one anchor, the last one gets it and the others go without. The paper
        (SSD, section 2.2) matches each ground truth with its best default box and others that
        overlap more than 0.5, where this is at least 0.5; in its own code each gets a box of its
        own, as with `BipartiteMatcher`.

        Parameters
        ----------
        threshold : float, default 0.5
            `high`, and `low` too.

        Examples
        --------
        >>> ThresholdMatcher.ssd()([[0.4, 0.4], [0.3, 0.2], [0.6, 0.0], [0.0, 0.4]])
        array([ 1, -1,  0, -1])
        """
        return cls(threshold, low_quality="truth", ties=False)

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Match the rows of `x`.

        Parameters
        ----------
        x : array_like, real, (..., N, M)
            IoUs, or any other measure of which more is better.

        Returns
        -------
        numpy.ndarray of int64, (..., N)
            The matched column in [0, M), -1 for none, or -2 for neither.
        """
        values = as_real("x", x, min_ndim=2, finite=False)
        matrices = as_matrices(values)
        high = rounded(self.high, values.dtype)
        low = high if self.low is None else rounded(self.low, values.dtype)
        out = np.full(matrices.shape[:-1], UNMATCHED, np.int64)
        if not matrices.shape[-1] and low <= 0 < high:
            out[:] = NEITHER
        quality = (None, *LOW_QUALITY).index(self.low_quality)
        least = least_of_best(rounded(self.min_quality, values.dtype))
        last = self.winner == "last"
        if not _threshold(matrices, high, low, quality, least, self.ties, last, out):
            check_finite("x", values)
        return out.reshape(values.shape[:-1])


def least_of_best(min_quality: Any) -> Any:
    """Return the least number that is more than 0 and reaches `min_quality`, in its dtype."""
    kind = min_quality.dtype.type
    with np.errstate(all="ignore"):  # the next number is subnormal
        return min_quality if min_quality > 0 else np.nextafter(kind(0), kind(1))


@jit
def _threshold(x, high, low, quality, least, ties, last, out):  # type: ignore[no-untyped-def]
    """Fill `out` (B, N), which comes as UNMATCHED, with the matches of `x` (B, N, M).

    `quality` is 0 for none, 1 for 'own' and 2 for 'truth'. Returns whether all of `x` is finite; if
    not, `out` is of no use.
    """
    if x.size == 0:
        return True
    count, columns = x.shape[1:]
    height = max(1, STEP // columns)
    part = PART * height
    parts = (count + part - 1) // part if quality else 0
    peaks = np.empty((parts, columns), x.dtype)
    for image in range(x.shape[0]):
        if not _match_rows(x[image], high, low, height, part, peaks, out[image]):
            return False
        if quality:
            _match_best(x[image], peaks, part, least, quality == 1, ties, last, out[image])
    return True


@jit
def _match_rows(x, high, low, height, part, peaks, out):  # type: ignore[no-untyped-def]
    """Match the rows of `x` (N, M) by the thresholds, and find the largest values of columns.

    They go to `peaks`, for each `part` of the rows, unless that is empty. Most rows of an IoU
    matrix are below any threshold, so what usually happens is one look at `height` whole rows,
    since single rows may be too short for vectors.

    Returns whether all of `x` is finite.
    """
    count, columns = x.shape
    size = height * columns
    # The largest values so far, before and after a block: with one array for both LLVM would write
    # only those that change, one by one.
    old, new = np.empty(size, x.dtype), np.empty(size, x.dtype)
    flat = x.reshape(-1)
    finite, zero = True, x.dtype.type(0)
    for first in range(0, count, height):
        values = flat[first * columns : (first + height) * columns]
        hit = False
        if len(peaks):
            if first % part == 0:
                old[:] = -np.inf
            for i in range(len(values)):
                finite &= values[i] - values[i] == zero
                hit |= values[i] >= low
                top = old[i]
                new[i] = values[i] if values[i] > top else top
            new[len(values) :] = old[len(values) :]
            old, new = new, old
            if (first + height) % part == 0 or first + height >= count:
                _keep_largest(old, height, peaks[first // part])
        else:
            for i in range(len(values)):
                finite &= values[i] - values[i] == zero
                hit |= values[i] >= low
        if hit:
            block = max(1, BLOCK // columns)
            for start in range(first, min(first + height, count), block):
                end = min(start + block, first + height, count)
                if _any_reaches(flat[start * columns : end * columns], low):
                    _match_each(x, start, end, high, low, out)
    return finite


@jit
def _keep_largest(values, rows, peak):  # type: ignore[no-untyped-def]
    """Fill `peak` (M,) with the largest of each column of `values` (rows * M,): halves of it."""
    columns = len(peak)
    while rows > 1:
        half = (rows + 1) // 2
        upper = values[half * columns : rows * columns]
        for i in range(len(upper)):
            values[i] = upper[i] if upper[i] > values[i] else values[i]
        rows = half
    for c in range(columns):
        peak[c] = values[c]


@jit
def _any_reaches(values, low):  # type: ignore[no-untyped-def]
    found = False
    for i in range(len(values)):
        found |= values[i] >= low
    return found


@jit
def _match_each(x, start, end, high, low, out):  # type: ignore[no-untyped-def]
    """Match some rows of `x` one by one."""
    for r in range(start, end):
        own, largest = 0, x[r, 0]
        for c in range(1, x.shape[1]):
            if x[r, c] > largest:
                own, largest = c, x[r, c]
        if largest >= high:
            out[r] = own
        elif largest >= low:
            out[r] = NEITHER


@jit
def _match_best(x, peaks, part, least, is_own, ties, last, out):  # type: ignore[no-untyped-def]
    """Match the rows in a best pair; only parts are read again that hold the best of a column."""
    count, columns = x.shape
    best = np.empty(columns, x.dtype)
    for c in range(columns):
        largest = peaks[:, c].max()
        best[c] = largest if largest >= least else np.inf  # which no value is
    for k in range(len(peaks)):
        if not _any_equal(peaks[k], best):
            continue
        for r in range(k * part, min((k + 1) * part, count)):
            row = x[r]
            if not _any_equal(row, best):
                continue
            chosen = -1
            for c in range(columns):
                if row[c] == best[c]:
                    chosen = c if last or chosen < 0 else chosen
                    if not ties:
                        best[c] = np.inf
            out[r] = row.argmax() if is_own else chosen


@jit
def _any_equal(values, others):  # type: ignore[no-untyped-def]
    found = False
    for i in range(len(values)):
        found |= values[i] == others[i]
    return found
