"""Non-maximum suppression: what overlaps a better box too much is left out."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refkernels.arrays import (
    Array,
    as_boxes,
    as_indices,
    as_real,
    check_number,
    keep,
    require,
    rounded,
    to_computing,
)
from refkernels.arrays.printing import times
from refkernels.jit import jit
from refkernels.suppression.cells import measured, reach, suppress_near

__all__ = ["NMS", "BatchedNMS"]

# Between what magnitudes an area may lie that IoUs are computed with, and below what power of two
# coordinates are brought otherwise: a side is then at most four times that, and two areas have a
# finite sum.
LIMITS = {
    info.dtype: (
        info.dtype.type(info.tiny),
        info.dtype.type(info.max / 4),
        int(info.maxexp) // 2 - 4,
    )
    for info in (np.finfo(np.float32), np.finfo(np.float64))
}


@dataclass(frozen=True)
class NMS:
    """Keep the boxes that no better one overlaps too much: greedy non-maximum suppression.

    Boxes are taken in order of score, those of equal score by index. One stays unless its IoU with
    a box that stays before it is over the threshold.

    Parameters
    ----------
    threshold : float
        The largest IoU, in [0, 1], that two boxes may have of which both stay; rounded to the dtype
        of the boxes.

    Raises
    ------
    TypeError
        If `threshold` or an input has the wrong type or dtype.
    ValueError
        If `threshold` is not in [0, 1], shapes do not go together, or an input holds nan or
        infinity.

    Notes
    -----
    The IoU is ``inter / (area_a + area_b - inter)`` in the dtype of the boxes (float32 for
    float16), as `BBoxBatchIOU` with an `eps` of 0 has it: where an area overflows or underflows,
    with coordinates scaled by powers of two. A box without a positive width and height suppresses
    no other, and none suppresses it. Scores are compared in their own dtype.

    No matrix of all pairs is made: boxes lie in a grid of cells, and one that stays is compared
    with those whose centres are near enough for such an IoU.

    References
    ----------
    SPEC section 6; Girshick et al., "Rich feature hierarchies", 2014, section 2.2.

    Examples
    --------
    >>> import numpy as np
    >>> boxes = np.array([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.0], [8.0, 8.0, 9.0, 9.0]])
    >>> NMS(0.5)(boxes, [0.6, 0.9, 0.7])
    array([1, 2])
    """

    threshold: float

    def __post_init__(self) -> None:
        keep(self, threshold=check_number("threshold", self.threshold, low=0, high=1))

    def __call__(self, boxes: npt.ArrayLike, scores: npt.ArrayLike) -> Array:
        """Choose among `boxes`.

        Parameters
        ----------
        boxes : array_like, real, (N, 4)
            Corner boxes.
        scores : array_like, real, (N,)
            What they are ranked by: more is better.

        Returns
        -------
        numpy.ndarray, int64, (K,)
            The indices of the boxes that stay, in order of score, then by index.
        """
        corners, order = _ranked(boxes, scores)
        return _chosen(corners, order, order, np.array([0, len(order)]), self.threshold)


@dataclass(frozen=True)
class BatchedNMS:
    """Keep the boxes that no better one of the same label overlaps too much.

    As `NMS` for the boxes of each label by themselves. Coordinates are left as they are, so that
    the result is the same however large the image is.

    Parameters
    ----------
    threshold : float
        As for `NMS`.

    Raises
    ------
    TypeError
        If `threshold` or an input has the wrong type or dtype.
    ValueError
        As `NMS`; and if labels are not whole numbers.

    References
    ----------
    SPEC section 6.

    Examples
    --------
    >>> import numpy as np
    >>> boxes = np.array([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.0], [0.0, 0.0, 4.0, 4.0]])
    >>> BatchedNMS(0.5)(boxes, [0.6, 0.9, 0.7], [5, 5, 1])
    array([1, 2])
    """

    threshold: float

    def __post_init__(self) -> None:
        keep(self, threshold=check_number("threshold", self.threshold, low=0, high=1))

    def __call__(self, boxes: npt.ArrayLike, scores: npt.ArrayLike, labels: npt.ArrayLike) -> Array:
        """Choose among `boxes`.

        Parameters
        ----------
        boxes : array_like, real, (N, 4)
            Corner boxes.
        scores : array_like, real, (N,)
            What they are ranked by: more is better.
        labels : array_like, whole numbers, (N,)
            Classes, or whatever else tells boxes apart that have nothing to do with each other.

        Returns
        -------
        numpy.ndarray, int64, (K,)
            The indices of the boxes that stay, in order of score, then by index.
        """
        corners, order = _ranked(boxes, scores)
        classes = as_indices("labels", labels)
        require(
            classes.shape == order.shape,
            f"labels: expected one for each of {times(len(order), 'box')}, got shape "
            f"{classes.shape}",
        )
        own = classes[order]
        by_label = np.argsort(own, kind="stable")
        changes = np.flatnonzero(np.diff(own[by_label])) + 1
        starts = np.concatenate([[0], changes, [len(order)]])
        return _chosen(corners, order, order[by_label], starts, self.threshold)


def _ranked(boxes: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Array, Array]:
    """Check boxes and scores; return the boxes, and their indices in order of score."""
    corners = as_boxes("boxes", boxes)
    require(corners.ndim == 2, f"boxes: expected (N, 4), got shape {corners.shape}")
    values = as_real("scores", scores)
    require(
        values.shape == corners.shape[:1],
        f"scores: expected one for each of {times(len(corners), 'box')}, got shape {values.shape}",
    )
    # Negation is exact, and leaves equals in order.
    return corners, np.argsort(-values, kind="stable")


def _chosen(corners: Array, order: Array, members: Array, starts: Array, threshold: float) -> Array:
    """Return those of `order` that stay.

    Parameters
    ----------
    corners : numpy.ndarray, real, (N, 4)
        Boxes.
    order : numpy.ndarray, int64, (N,)
        Their indices in order of score.
    members : numpy.ndarray, int64, (N,)
        The same group by group, in each in order of score.
    starts : numpy.ndarray, int64, (G + 1,)
        Where each group starts among the members, and at the end their number.
    threshold : float
        As for `NMS`.
    """
    stays: Array = np.ones(len(order), np.bool_)
    own = rounded(threshold, corners.dtype)
    rows = to_computing(corners, corners.dtype)
    _suppress(rows, members, starts, own, reach(float(own)), *LIMITS[rows.dtype], stays)
    return np.asarray(order[stays[order]])


@jit
def _suppress(  # type: ignore[no-untyped-def]
    boxes, members, starts, threshold, within, tiny, huge, goal, stays
):
    """Set `stays` (N,), which is True, to False for boxes that are suppressed, group by group."""
    for group in range(starts.size - 1):
        own = members[starts[group] : starts[group + 1]]
        extended, sure = 0, True
        for k in range(own.size):
            area, has_extent = measured(boxes[own[k]])
            extended += has_extent
            sure &= not has_extent or (area >= tiny and area <= huge)
        if extended < 2:
            continue
        ranked = np.empty(extended, np.int64)
        found = 0
        for k in range(own.size):
            if measured(boxes[own[k]])[1]:
                ranked[found] = own[k]
                found += 1
        if sure:
            suppress_near(boxes, ranked, threshold, within, stays)
        else:
            _suppress_any(boxes, ranked, threshold, tiny, huge, goal, stays)


@jit
def _suppress_any(  # type: ignore[no-untyped-def]
    boxes, ranked, threshold, tiny, huge, goal, stays
):
    """Suppress boxes, `ranked` (n,), of any area, each by comparing it with all that stay."""
    for k in range(ranked.size):
        if not stays[ranked[k]]:
            continue
        for j in range(k + 1, ranked.size):
            if stays[ranked[j]]:
                a, b = boxes[ranked[k]], boxes[ranked[j]]
                least = min(measured(a)[0], measured(b)[0])
                largest = max(measured(a)[0], measured(b)[0])
                scaled = least < tiny or largest > huge
                stays[ranked[j]] = _iou(a, b, scaled, goal) <= threshold


@jit
def _scaled(a, b, axis, goal):  # type: ignore[no-untyped-def]
    """Return the four coordinates of two boxes along an axis just below 2 ** goal."""
    a_low, a_high, b_low, b_high = a[axis], a[axis + 2], b[axis], b[axis + 2]
    largest = max(max(abs(a_low), abs(a_high)), max(abs(b_low), abs(b_high)))
    shift = goal - math.frexp(largest)[1]
    real = a.dtype.type
    return (
        real(math.ldexp(a_low, shift)),
        real(math.ldexp(a_high, shift)),
        real(math.ldexp(b_low, shift)),
        real(math.ldexp(b_high, shift)),
    )


@jit
def _iou(a, b, scaled, goal):  # type: ignore[no-untyped-def]
    """Return the IoU of two boxes with extent, if need be with coordinates scaled."""
    zero = a.dtype.type(0)
    left_a, right_a, left_b, right_b = a[0], a[2], b[0], b[2]
    top_a, bottom_a, top_b, bottom_b = a[1], a[3], b[1], b[3]
    if scaled:
        left_a, right_a, left_b, right_b = _scaled(a, b, 0, goal)
        top_a, bottom_a, top_b, bottom_b = _scaled(a, b, 1, goal)
    overlap_x = max(min(right_a, right_b) - max(left_a, left_b), zero)
    overlap_y = max(min(bottom_a, bottom_b) - max(top_a, top_b), zero)
    inter = overlap_x * overlap_y
    area_a = (right_a - left_a) * (bottom_a - top_a)
    area_b = (right_b - left_b) * (bottom_b - top_b)
    return inter / (area_a + area_b - inter) if inter > zero else zero
