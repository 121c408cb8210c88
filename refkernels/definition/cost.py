"""What costs and metrics mean (SPEC section 6): slow, readable, and derived from the text alone.

Sums, products and quotients are exact (`fractions.Fraction`); roots, powers, logarithms and
exponentials have `PRECISION` bits (`mpmath.mpf`). Every function takes batches or single images,
and a batch of 1 goes with any.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

from refkernels.definition.bbox import exact, real

__all__ = [
    "CenterDistance",
    "DETRCost",
    "InsideMask",
    "SimOTACost",
    "TaskAlignedMetric",
    "inside_slacks",
]

Array = npt.NDArray[Any]

ZERO: Any = Fraction(0)

PRECISION = 200

# A logarithm of binary cross entropy is no less.
LEAST_LOGARITHM = -100

# exp of less is nothing next to any float.
LEAST_EXPONENT = -3000


def CenterDistance(
    a: npt.ArrayLike, b: npt.ArrayLike, *, axis: int = -1, fmt: str = "corner"
) -> Array:
    """Define `refkernels.CenterDistance`."""
    columns_a, columns_b = (np.moveaxis(exact(x), axis, -1) for x in (a, b))
    distances, pairs = _pairs((columns_a, 2), (columns_b, 2))
    for index, (one, other) in pairs:
        dx, dy = (_middle(one, k, fmt) - _middle(other, k, fmt) for k in (0, 1))
        with mpmath.workprec(PRECISION):
            distances[index] = mpmath.sqrt(_mpf(dx**2 + dy**2))
    return distances


def InsideMask(
    points: npt.ArrayLike, boxes: npt.ArrayLike, *, margin: float = 0.0, fmt: str = "corner"
) -> Array:
    """Define `refkernels.InsideMask`."""
    slacks = inside_slacks(points, boxes, margin=margin, fmt=fmt)
    return np.asarray((slacks > 0).all(-1), bool)


def inside_slacks(
    points: npt.ArrayLike, boxes: npt.ArrayLike, *, margin: float = 0.0, fmt: str = "corner"
) -> Array:
    """Return by how much l, t, r and b exceed the margin, (..., N, M, 4).

    The margin is compared with data, and rounded to their dtype.
    """
    least = _rounded(margin, points, boxes, computing=False)
    slacks, pairs = _pairs((exact(points), 2), (exact(boxes), 2), own=(4,))
    for index, ((x, y), box) in pairs:
        left, top, right, bottom = _corners(box) if fmt == "center" else box
        slacks[index] = [x - left - least, y - top - least, right - x - least, bottom - y - least]
    return slacks


def TaskAlignedMetric(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    ious: npt.ArrayLike,
    *,
    alpha: float = 1.0,
    beta: float = 6.0,
) -> Array:
    """Define `refkernels.TaskAlignedMetric`."""
    exponents = [_rounded(value, scores, ious) for value in (alpha, beta)]
    inputs = (exact(scores), 2), (np.asarray(labels), 1)
    metrics, pairs = _pairs(*inputs, matrices=(exact(ious),))
    for index, (row, label, iou) in pairs:
        score = row[int(label)] if label >= 0 else ZERO
        with mpmath.workprec(PRECISION):
            metrics[index] = _power(score, exponents[0]) * _power(iou, exponents[1])
    return metrics


def SimOTACost(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    ious: npt.ArrayLike,
    inside: npt.ArrayLike,
    *,
    iou_weight: float = 3.0,
    eps: float = 1e-8,
    penalty: float = 1e5,
) -> Array:
    """Define `refkernels.SimOTACost`."""
    weight, least, outside = (_rounded(value, scores, ious) for value in (iou_weight, eps, penalty))
    # Logarithms are those of scores and IoUs, not of pairs.
    chances = exact(scores)
    when_true = _each(_clamped_log, chances)
    when_false = _each(_clamped_log, 1 - chances)
    place = _each(_log, exact(ious) + least)
    rows = np.stack([when_true, when_false], -1)
    inputs = (rows, 3), (np.asarray(labels), 1)
    costs, pairs = _pairs(*inputs, matrices=(place, np.asarray(inside)))
    for index, (row, label, own, is_inside) in pairs:
        with mpmath.workprec(PRECISION):
            cost = mpmath.mpf(0)
            for c, (positive, negative) in enumerate(row):
                cost -= positive if c == label else negative
            cost -= _mpf(weight) * own
            costs[index] = cost if is_inside else cost + _mpf(outside)
    return costs


def DETRCost(
    logits: npt.ArrayLike,
    boxes: npt.ArrayLike,
    labels: npt.ArrayLike,
    truths: npt.ArrayLike,
    *,
    class_weight: float = 1.0,
    l1_weight: float = 5.0,
    giou_weight: float = 2.0,
    kind: str = "softmax",
    alpha: float = 0.25,
    gamma: float = 2.0,
    eps: float = 1e-8,
) -> Array:
    """Define `refkernels.DETRCost`."""
    reals = logits, boxes, truths
    weights = [_rounded(value, *reals) for value in (class_weight, l1_weight, giou_weight)]
    focal = [_rounded(value, *reals) for value in (alpha, gamma, eps)]
    # What a class costs is of the logits, not of pairs.
    chances = exact(logits)
    by_class = _each(partial(_focal, *focal), chances) if kind == "focal" else _softmax(chances)
    inputs = (by_class, 2), (exact(boxes), 2), (np.asarray(labels), 1), (exact(truths), 2)
    costs, pairs = _pairs(*inputs, anchors=2)
    for index, (row, box, label, truth) in pairs:
        apart = sum((abs(p - q) for p, q in zip(box, truth, strict=True)), ZERO)
        rest = weights[1] * apart - weights[2] * _giou(_corners(box), _corners(truth))
        with mpmath.workprec(PRECISION):
            own = row[int(label)] if label >= 0 else mpmath.mpf(0)
            costs[index] = _mpf(weights[0]) * own + _mpf(rest)
    return costs


def _pairs(
    *inputs: tuple[Array, int],
    matrices: tuple[Array, ...] = (),
    own: tuple[int, ...] = (),
    anchors: int = 1,
) -> tuple[Array, Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]]:
    """Return an empty result, and the pairs it is filled for: index, and what belongs to the pair.

    Parameters
    ----------
    inputs : tuple of (array, int)
        First those of anchors, so many as `anchors` says, then those of ground truths, each with
        the number of its axes for a single image.
    matrices : tuple of array
        (..., N, M).
    own : tuple of int
        The shape of what is filled in for a pair.
    """
    every = [*inputs, *((matrix, 2) for matrix in matrices)]
    batched = any(array.ndim > axes for array, axes in every)
    arrays = [array if array.ndim > axes else array[np.newaxis] for array, axes in every]
    size = np.broadcast_shapes(*((len(array),) for array in arrays))[0]
    shape = size, arrays[0].shape[1], arrays[anchors].shape[1]
    result = np.empty((*(shape if batched else shape[1:]), *own), object)

    def pairs() -> Iterator[tuple[tuple[int, ...], tuple[Any, ...]]]:
        """Yield the index of each pair, and what belongs to it, its anchor and its truth."""
        for image, i, j in np.ndindex(shape):
            images = [array[image if len(array) > 1 else 0] for array in arrays]
            values = [x[i] for x in images[:anchors]]
            values += [x[j] for x in images[anchors : len(inputs)]]
            values += [x[i, j] for x in images[len(inputs) :]]
            yield ((image, i, j) if batched else (i, j)), tuple(values)

    return result, pairs()


def _rounded(value: float, *inputs: npt.ArrayLike, computing: bool = True) -> Any:
    """Round a parameter to the inputs' common dtype, or to that in which such are computed."""
    dtype = np.result_type(*(real(array) for array in inputs))
    if computing:
        dtype = np.promote_types(dtype, np.float32)
    with np.errstate(over="ignore"):
        rounded = float(dtype.type(value))
    return Fraction(rounded) if np.isfinite(rounded) else rounded


def _mpf(x: Fraction) -> Any:
    return mpmath.mpf(x.numerator) / x.denominator


def _each(function: Any, values: Array) -> Array:
    results = np.empty(values.shape, object)
    with mpmath.workprec(PRECISION):
        for index in np.ndindex(values.shape):
            results[index] = function(values[index])
    return results


def _middle(box: Array, axis: int, fmt: str) -> Fraction:
    middle: Fraction = box[axis] if fmt == "center" else (box[axis] + box[axis + 2]) / 2
    return middle


def _corners(box: Array) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    x, y, width, height = box
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _power(base: Fraction, exponent: Fraction) -> Any:
    if exponent == 0:
        return mpmath.mpf(1)
    return mpmath.power(_mpf(base), _mpf(exponent)) if base > 0 else mpmath.mpf(0)


def _log(x: Fraction) -> Any:
    return mpmath.log(_mpf(x))


def _clamped_log(x: Fraction) -> Any:
    return max(_log(x), mpmath.mpf(LEAST_LOGARITHM)) if x > 0 else mpmath.mpf(LEAST_LOGARITHM)


def _exp(x: Fraction) -> Any:
    return mpmath.exp(_mpf(max(x, Fraction(LEAST_EXPONENT))))


def _softmax(logits: Array) -> Array:
    """Return the softmax with a minus: the likelier a class, the less it costs."""
    largest = logits.max(-1, keepdims=True) if logits.size else logits
    powers = _each(_exp, logits - largest)
    with mpmath.workprec(PRECISION):
        shares: Array = -powers / powers.sum(-1, keepdims=True)
    return shares


def _focal(alpha: Fraction, gamma: Fraction, eps: Fraction, logit: Fraction) -> Any:
    """Return the focal loss of a positive less that of a negative."""
    small = _exp(-abs(logit))
    p, q = 1 / (1 + small), small / (1 + small)
    if logit < 0:
        p, q = q, p
    exponent, least = _mpf(gamma), _mpf(eps)
    positive = _mpf(alpha) * q**exponent * -mpmath.log(p + least)
    negative = _mpf(1 - alpha) * p**exponent * -mpmath.log(q + least)
    return positive - negative


def _giou(one: tuple[Fraction, ...], other: tuple[Fraction, ...]) -> Fraction:
    """Return the GIoU of two corner boxes; a box without extent has area 0 and IoU 0.

    What encloses both encloses all of their corners, in whichever order a box has them.
    """
    (left_a, top_a, right_a, bottom_a), (left_b, top_b, right_b, bottom_b) = one, other
    inter = _area(
        min(right_a, right_b) - max(left_a, left_b), min(bottom_a, bottom_b) - max(top_a, top_b)
    )
    areas = _area(right_a - left_a, bottom_a - top_a) + _area(right_b - left_b, bottom_b - top_b)
    union = areas - inter
    across, down = (left_a, right_a, left_b, right_b), (top_a, bottom_a, top_b, bottom_b)
    whole = _area(max(across) - min(across), max(down) - min(down))
    iou = inter / union if inter else ZERO
    return iou - (whole - union) / whole if whole else iou


def _area(width: Fraction, height: Fraction) -> Fraction:
    area: Fraction = max(width, ZERO) * max(height, ZERO)
    return area
