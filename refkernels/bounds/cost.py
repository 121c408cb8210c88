"""Forward error bounds of costs and metrics, derived the way `refkernels.bounds.arithmetic` says.

The formulas are those of SPEC section 6. A mathematical library rounds its functions less well than
the four operations and the square root, which are within half a unit in the last place: glibc,
NumPy and CUDA state at most 1 unit for log, 2 for exp and 4 for a power. Such a unit is at most 2 u
of the result.

Where published code evaluates a formula in several ways, the bound is that of the worst.
"""

from typing import Any

import numpy as np

from refkernels.arrays import Array, common_real, computing_dtype, rounded_to_computing
from refkernels.bounds.arithmetic import (
    Approximate,
    Roundoff,
    exactly,
    final_rounding,
    halved,
    roundoff,
)

__all__ = ["center_distance", "detr_cost", "inside_sides", "sim_ota_cost", "task_aligned_metric"]

LOG_ULPS = 1
EXP_ULPS = 2
POW_ULPS = 4

# A logarithm of binary cross entropy is no less than minus this.
CLAMP = 100.0


def center_distance(a: Array, b: Array, *, axis: int = -1, fmt: str = "corner") -> Array:
    """Bound CenterDistance.

    A centre is (xmin + xmax) / 2, with the halves taken before or after the sum, or xmin + w / 2:
    the width rounds, by ``u |w|``, and so does the centre. A distance of two vectors is off by no
    more than the length of the errors of their difference. The squares and their sum then err by
    2 u, relative, which the root halves, and it rounds itself; where a square underflows it is off
    by eta, and the root of the sum by no more than the root of both etas.
    """
    dtype = common_real(a, b)
    unit = roundoff(computing_dtype(dtype))
    rows, columns = (np.moveaxis(x.astype(np.float64), axis, -1) for x in (a, b))
    differences, errors = [], []
    for k in (0, 1):
        (one, own), (other, theirs) = (_middle(x, k, fmt, unit) for x in (rows, columns))
        error = own[..., :, None] + theirs[..., None, :]
        difference = one[..., :, None] - other[..., None, :]
        differences.append(difference)
        errors.append(error + unit.u * (np.abs(difference) + error))
    distance, moved = np.hypot(*differences), np.hypot(*errors)
    lost = 2 * unit.eta
    with np.errstate(divide="ignore"):
        underflow = np.minimum(np.sqrt(lost), lost / distance)
    rounding = _several(2, unit) * (distance + moved)
    return final_rounding(distance, moved + rounding + underflow, dtype)


def _middle(boxes: Array, k: int, fmt: str, unit: Roundoff) -> tuple[Array, Array]:
    """Return the centre of boxes along an axis, and how far it may be off."""
    if fmt == "center":
        return boxes[..., k], np.zeros(boxes.shape[:-1])
    low, high = boxes[..., k] / 2, boxes[..., k + 2] / 2
    middle = low + high
    half_width = unit.u * np.abs(high - low)
    return middle, half_width + unit.u * (np.abs(middle) + half_width) + 2 * unit.eta


def inside_sides(points: Array, boxes: Array, *, fmt: str = "corner") -> Array:
    """Bound l, t, r and b of InsideMask, (..., N, M, 4): each is one difference.

    In corner form that is of inputs, and rounds by u of itself; so where it is no more than the
    margin, which is a number of the dtype, what is computed is no more either. In centre form the
    sides of the box have been rounded before.
    """
    dtype = common_real(points, boxes)
    unit = roundoff(computing_dtype(dtype))
    places, columns = points.astype(np.float64), boxes.astype(np.float64)
    bounds = []
    for low in (True, False):
        for k in (0, 1):
            if fmt == "corner":
                side = exactly(columns[..., k if low else k + 2], unit)
            else:
                half = halved(exactly(columns[..., k + 2], unit))
                center = exactly(columns[..., k], unit)
                side = center - half if low else center + half
            place = exactly(places[..., k, None], unit)
            across = Approximate(side.value[..., None, :], side.error[..., None, :], unit)
            bounds.append((place - across).error)
    return np.stack(bounds, -1)


def task_aligned_metric(
    scores: Array, labels: Array, ious: Array, *, alpha: float = 1.0, beta: float = 6.0
) -> Array:
    """Bound TaskAlignedMetric: two powers and their product."""
    dtype = common_real(scores, ious)
    unit = roundoff(computing_dtype(dtype))
    chances = _of_labels(scores.astype(np.float64), labels, none=0.0)
    exponents = [float(rounded_to_computing(value, dtype)) for value in (alpha, beta)]
    own = _power(exactly(chances, unit), exponents[0])
    place = _power(exactly(ious.astype(np.float64), unit), exponents[1])
    metric = own * place
    return final_rounding(metric.value, metric.error, dtype)


def sim_ota_cost(
    scores: Array,
    labels: Array,
    ious: Array,
    inside: Array,
    *,
    iou_weight: float = 3.0,
    eps: float = 1e-8,
    penalty: float = 1e5,
) -> Array:
    """Bound SimOTACost.

    1 - s rounds by u, relative, so its logarithm errs by u, absolute, beside its own unit in the
    last place; the sum of C terms, in any order, by C - 1 times u of their sum. Or one logarithm is
    taken of the product: a rounding more for every factor, so 2 u for each class.
    """
    dtype = common_real(scores, ious)
    unit = roundoff(computing_dtype(dtype))
    chances = scores.astype(np.float64)
    with np.errstate(divide="ignore"):
        when_false = np.minimum(-np.log1p(-chances), CLAMP)
        when_true = np.minimum(-np.log(chances), CLAMP)
    total = when_false.sum(-1)[..., None] + _of_labels(when_true, labels, none=0.0)
    total = np.maximum(total - _of_labels(when_false, labels, none=0.0), 0)
    count = scores.shape[-1]
    own = 2 * count * -np.log1p(-unit.u) + 2 * LOG_ULPS * unit.u * total
    entropy = Approximate(total, own + max(count - 1, 0) * unit.u * (total + own), unit)
    place = _log(exactly(ious.astype(np.float64), unit) + _parameter(eps, dtype))
    cost = entropy + _parameter(-iou_weight, dtype) * place
    cost = cost + exactly(np.where(inside, 0.0, _parameter(penalty, dtype).value), unit)
    return final_rounding(cost.value, cost.error, dtype)


def detr_cost(
    logits: Array,
    boxes: Array,
    labels: Array,
    truths: Array,
    *,
    class_weight: float = 1.0,
    l1_weight: float = 5.0,
    giou_weight: float = 2.0,
    kind: str = "softmax",
    alpha: float = 0.25,
    gamma: float = 2.0,
    eps: float = 1e-8,
) -> Array:
    """Bound DETRCost: three terms, each with its weight, and their sum in any order."""
    dtype = common_real(logits, boxes, truths)
    unit = roundoff(computing_dtype(dtype))
    scores = logits.astype(np.float64)
    one, other = (x.astype(np.float64) for x in (boxes, truths))
    if kind == "focal":
        own = _focal(_of_labels(scores, labels, none=0.0), alpha, gamma, eps, dtype)
    else:
        own = _softmax(scores, labels, unit)
    has_class = labels[..., None, :] >= 0
    own = Approximate(np.where(has_class, own.value, 0), np.where(has_class, own.error, 0), unit)
    parts = own, _apart(one, other, unit), _giou(one, other, unit)
    with np.errstate(all="ignore"):
        terms = [
            _parameter(weight, dtype) * part
            for weight, part in zip((class_weight, l1_weight, -giou_weight), parts, strict=True)
        ]
        carried: Any = sum(term.error for term in terms)
        magnitude: Any = sum(np.abs(term.value) + term.error for term in terms)
        error = carried + _several(2, unit) * magnitude
    value = terms[0].value + terms[1].value + terms[2].value
    return final_rounding(value, error, dtype)


def _several(count: float, unit: Roundoff) -> float:
    """Return by how much so many roundings may change a number, relative: (1 + u)**count - 1."""
    return float(np.expm1(count * np.log1p(unit.u)))


def _parameter(value: float, dtype: Any) -> Approximate:
    unit = roundoff(computing_dtype(dtype))
    return exactly(float(rounded_to_computing(value, dtype)), unit)


def _of_labels(values: Array, labels: Array, none: float) -> Array:
    """Return the numbers (..., N, M) of the labels' classes out of (..., N, C)."""
    labels = labels.astype(np.int64)
    size = np.broadcast_shapes(values.shape[:-2], labels.shape[:-1])
    own = np.broadcast_to(values, (*size, *values.shape[-2:]))
    shape = (*size, values.shape[-2], labels.shape[-1])
    columns = np.broadcast_to(labels[..., None, :], shape)
    if not values.shape[-1]:
        return np.full(shape, none)
    picked = np.take_along_axis(own, np.maximum(columns, 0), -1)
    return np.where(columns < 0, none, picked)


def _log(x: Approximate, least: float = 0.0) -> Approximate:
    """Take the logarithm of a number that is not computed as less than `least`."""
    value = np.log(x.value)
    relative = x.error / x.value
    with np.errstate(divide="ignore"):
        down = -np.log1p(-np.minimum(relative, np.maximum(1 - least / x.value, 0)))
    error = np.maximum(np.log1p(relative), down)
    return Approximate(value, error + 2 * LOG_ULPS * x.unit.u * (np.abs(value) + error), x.unit)


def _power(x: Approximate, exponent: float) -> Approximate:
    """Raise a number that is not negative to a power that is not, in one of these ways.

    A library does. Or it is so many factors, which take a product less, and perhaps a square root.
    Each product may underflow, and a unit of a library's is then 2 eta.
    """
    if exponent == 0:
        return exactly(np.ones(x.value.shape), x.unit)
    u, eta = x.unit
    value = x.value**exponent
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        relative = x.error / x.value
        near = value * np.expm1(exponent * np.log1p(relative))
        down = -value * np.expm1(exponent * np.log1p(-np.minimum(relative, 1)))
    # A small change from the quotient, a large one from the sum: neither loses digits there.
    up = np.where(relative < 1, near, (x.value + x.error) ** exponent - value)
    carried = np.where(x.value > 0, np.maximum(up, down), x.error**exponent)
    rounding = max(_several(np.ceil(exponent), x.unit), 2 * POW_ULPS * u)
    lost = np.where((x.value > 0) | (x.error > 0), max(exponent, 2 * POW_ULPS) * eta, 0)
    return Approximate(value, carried + rounding * (value + carried) + lost, x.unit)


def _softmax(logits: Array, labels: Array, unit: Roundoff) -> Approximate:
    """Bound -exp(x - max) over the sum of such.

    The difference rounds by u of itself, absolute, which is relative in its exponential; that of
    the sum is the mean of those, and u for each addition.
    """
    if not logits.shape[-1]:
        return exactly(np.zeros((*logits.shape[:-1], labels.shape[-1])), unit)
    low = logits - logits.max(-1, keepdims=True)
    with np.errstate(over="ignore"):  # what that is so large of is 0
        each = np.expm1(np.minimum(unit.u * np.abs(low), 1)) + 2 * EXP_ULPS * unit.u
    weights = np.exp(low)
    total = weights.sum(-1)
    mean = (weights * each).sum(-1) / total + (logits.shape[-1] - 1) * unit.u
    shares = _of_labels(weights / total[..., None], labels, none=0.0)
    quotient = np.log1p(_of_labels(each, labels, none=0.0)) - np.log1p(-mean)[..., None]
    relative = np.expm1(quotient + np.log1p(unit.u))
    return Approximate(-shares, shares * relative + 2 * unit.eta, unit)


def _focal(logits: Array, alpha: float, gamma: float, eps: float, dtype: Any) -> Approximate:
    """Bound the focal loss of a positive less that of a negative.

    1 - p, which is sigmoid(-x), may be computed as the difference that it is. 1 - alpha is a
    parameter too, and rounded like one.
    """
    unit = roundoff(computing_dtype(dtype))
    with np.errstate(over="ignore"):
        p, q = 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(logits))
    positive, negative = (_sigmoid(own, other, dtype) for own, other in ((p, q), (q, p)))
    negative.error = np.maximum(negative.error, positive.error + unit.u * (q + positive.error))
    weight, least = _parameter(alpha, dtype), _parameter(eps, dtype)
    rest = Approximate(1 - weight.value, unit.u, unit)
    exponent = float(rounded_to_computing(gamma, dtype))
    floor = float(least.value)
    hard = weight * _power(negative, exponent) * _log(positive + least, floor)
    easy = rest * _power(positive, exponent) * _log(negative + least, floor)
    return easy - hard


def _sigmoid(own: Array, other: Array, dtype: Any) -> Approximate:
    """Bound 1 / (1 + exp(-x)), or the exponential over that: its error counts by the other's share.

    Where the exponential overflows, there is 0 in the place of what is below the normal numbers.
    """
    unit = roundoff(computing_dtype(dtype))
    relative = np.expm1(3 * np.log1p(unit.u) - np.log1p(-2 * EXP_ULPS * unit.u * other))
    vanishing = np.where(own < 4 * float(np.finfo(computing_dtype(dtype)).tiny), own, 0)
    return Approximate(own, own * relative + vanishing + unit.eta, unit)


def _apart(boxes: Array, truths: Array, unit: Roundoff) -> Approximate:
    """Bound the sum of four absolute differences, in any order."""
    difference = np.abs(boxes[..., :, None, :] - truths[..., None, :, :])
    total = difference.sum(-1)
    return Approximate(total, _several(4, unit) * total, unit)


def _giou(boxes: Array, truths: Array, unit: Roundoff) -> Approximate:
    """Bound the GIoU of centre boxes, from their corners on."""

    def corners(x: Array, place: int) -> list[Approximate]:
        """Return left, top, right and bottom of boxes, with a place for the other set's axis."""
        columns = [exactly(np.expand_dims(x[..., k], place), unit) for k in range(4)]
        half_width, half_height = halved(columns[2]), halved(columns[3])
        left, right = columns[0] - half_width, columns[0] + half_width
        return [left, columns[1] - half_height, right, columns[1] + half_height]

    def pick(function: Any, one: Approximate, other: Approximate) -> Approximate:
        """Return the smaller or the larger of two, with the larger error of both."""
        error = np.maximum(one.error, other.error)
        return Approximate(function(one.value, other.value), error, unit)

    def side(high: Approximate, low: Approximate) -> Approximate:
        """Return how far `high` is above `low`, and 0 where it is below."""
        return (high - low).positive_part()

    left_a, top_a, right_a, bottom_a = corners(boxes, -1)
    left_b, top_b, right_b, bottom_b = corners(truths, -2)
    low, high = np.minimum, np.maximum
    inter = side(pick(low, right_a, right_b), pick(high, left_a, left_b)) * side(
        pick(low, bottom_a, bottom_b), pick(high, top_a, top_b)
    )
    areas = side(right_a, left_a) * side(bottom_a, top_a)
    areas = areas + side(right_b, left_b) * side(bottom_b, top_b)
    wide, tall = (
        pick(high, pick(high, one, two), pick(high, three, four))
        - pick(low, pick(low, one, two), pick(low, three, four))
        for one, two, three, four in (
            (left_a, right_a, left_b, right_b),
            (top_a, bottom_a, top_b, bottom_b),
        )
    )
    whole = wide * tall
    union = areas - inter
    with np.errstate(all="ignore"):
        iou, rest = inter / union, (whole - union) / whole
    # Corners round monotonically: what is empty stays so, and what is flat has no area.
    flat = [(x[..., 2] <= 0) | (x[..., 3] <= 0) for x in (boxes, truths)]
    empty = flat[0][..., :, None] | flat[1][..., None, :]
    iou = Approximate(_share(iou.value, empty), _share(iou.error, empty), unit)
    none = whole.value == 0
    rest = Approximate(_share(rest.value, none), _share(rest.error, none), unit)
    giou = iou - rest
    return Approximate(giou.value, np.minimum(giou.error, 2), unit)


def _share(x: Array, is_zero: Array) -> Array:
    """Limit a quotient, or its error, to [0, 1], in which both quotients are."""
    return np.where(is_zero, 0, np.clip(np.nan_to_num(x, nan=1.0), 0, 1))
