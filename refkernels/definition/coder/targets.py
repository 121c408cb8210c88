"""What every coder means (SPEC section 4): slow, readable, and derived from the text alone.

Linear parts are exact (`fractions.Fraction`), logarithms and exponentials have `PRECISION` bits
(`mpmath.mpf`), and what IEEE arithmetic makes infinite or undefined is a float: inf, -inf, nan.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

from refkernels.definition.bbox import exact, real

__all__ = [
    "CenterNetDecoder",
    "MultiClassDecoder",
    "MultiClassEncoder",
    "MultiPerClassDecoder",
    "NormalizedBoxCenterDecoder",
    "NormalizedBoxCenterEncoder",
    "NormalizedPerClassBoxCenterEncoder",
    "NumPyNormalizedBoxCenterEncoder",
    "SigmoidClassEncoder",
]

Array = npt.NDArray[Any]

STDS = (0.1, 0.1, 0.2, 0.2)
MEANS = (0.0, 0.0, 0.0, 0.0)

PRECISION = 300

# exp of more than this is beyond every float64, and exp of less than its opposite below every one.
LARGEST_EXPONENT = 3000


def NormalizedBoxCenterEncoder(
    samples: npt.ArrayLike,
    matches: npt.ArrayLike,
    anchors: npt.ArrayLike,
    refs: npt.ArrayLike,
    *,
    stds: Sequence[float] = STDS,
    means: Sequence[float] = MEANS,
) -> tuple[Array, Array]:
    """Define `refkernels.NormalizedBoxCenterEncoder`: targets, and int64 masks."""
    inputs = ((samples, 1), (matches, 1), (anchors, 2), (refs, 2))
    samples, matches, anchors, refs = _images(*inputs)
    mean, std = _rounded(means, anchors, refs), _rounded(stds, anchors, refs)
    boxes, truths = exact(anchors), exact(refs)
    targets = np.full((*samples.shape, 4), Fraction(0), object)
    masks = np.zeros(targets.shape, np.int64)
    for image, anchor in np.ndindex(samples.shape):
        if samples[image, anchor] > 0.5:
            box = boxes[image if len(boxes) > 1 else 0, anchor]
            truth = truths[image, int(matches[image, anchor])]
            targets[image, anchor] = _encode(box, truth, mean, std)
            masks[image, anchor] = 1
    return (targets, masks) if _batched(*inputs) else (targets[0], masks[0])


NumPyNormalizedBoxCenterEncoder = NormalizedBoxCenterEncoder


def NormalizedPerClassBoxCenterEncoder(
    samples: npt.ArrayLike,
    matches: npt.ArrayLike,
    anchors: npt.ArrayLike,
    labels: npt.ArrayLike,
    refs: npt.ArrayLike,
    *,
    num_class: int,
    max_pos: int = 128,
    per_device_batch_size: int = 1,
    stds: Sequence[float] = STDS,
    means: Sequence[float] = MEANS,
) -> tuple[Array, Array, Array]:
    """Define `refkernels.NormalizedPerClassBoxCenterEncoder`: targets, int64 masks and indices."""
    inputs = ((samples, 1), (matches, 1), (anchors, 2), (labels, 1), (refs, 2))
    samples, matches, anchors, labels, refs = _images(*inputs)
    targets, masks = NormalizedBoxCenterEncoder(
        samples, matches, anchors, refs, stds=stds, means=means
    )
    size, count = samples.shape
    indices = np.zeros((size, min(max_pos, count)), np.int64)
    rows = np.full((*indices.shape, num_class, 4), Fraction(0), object)
    row_masks = np.zeros(rows.shape, np.int64)
    for image in range(size):
        positives = [i for i in range(count) if samples[image, i] > 0.5]
        others = [i for i in range(count) if not samples[image, i] > 0.5]
        for row, anchor in enumerate((positives + others)[:max_pos]):
            indices[image, row] = anchor
            for c in range(num_class):
                rows[image, row, c] = targets[image, anchor]
                if anchor in positives and labels[image, int(matches[image, anchor])] == c:
                    row_masks[image, row, c] = masks[image, anchor]
    if _batched(*inputs):
        return rows, row_masks, indices
    return rows[0], row_masks[0], indices[0]


def NormalizedBoxCenterDecoder(
    x: npt.ArrayLike,
    anchors: npt.ArrayLike,
    *,
    stds: Sequence[float] = STDS,
    convert_anchor: bool = False,
    clip: float | None = -1.0,
    means: Sequence[float] = MEANS,
    clip_low: float | None = None,
) -> Array:
    """Define `refkernels.NormalizedBoxCenterDecoder`."""
    batched = _batched((x, 2), (anchors, 2))
    x, anchors = _images((x, 2), (anchors, 2))
    mean, std = _rounded(means, x, anchors), _rounded(stds, x, anchors)
    limit = None if clip is None or clip <= 0 else _rounded([clip], x, anchors)[0]
    least = None if clip_low is None else _rounded([clip_low], x, anchors)[0]
    offsets, boxes = exact(x), exact(anchors)
    decoded = np.empty(offsets.shape, object)
    for image, i in np.ndindex(offsets.shape[:2]):
        box = boxes[image if len(boxes) > 1 else 0, i]
        ax, ay, aw, ah = _center_form(box) if convert_anchor else box
        shift_x, shift_y, dw, dh = (offsets[image, i, k] * std[k] + mean[k] for k in range(4))
        if limit is not None:
            dw, dh = min(dw, limit), min(dh, limit)
        if least is not None:
            dw, dh = max(dw, least), max(dh, least)
        center_x, center_y = shift_x * aw + ax, shift_y * ah + ay
        xmin, xmax = _ends(center_x, _half_side(dw, aw))
        ymin, ymax = _ends(center_y, _half_side(dh, ah))
        decoded[image, i] = [xmin, ymin, xmax, ymax]
    return decoded if batched else decoded[0]


def MultiClassEncoder(
    samples: npt.ArrayLike,
    matches: npt.ArrayLike,
    refs: npt.ArrayLike,
    *,
    ignore_label: float = -1,
) -> Array:
    """Define `refkernels.MultiClassEncoder`."""
    inputs = ((samples, 1), (matches, 1), (refs, 1))
    samples, matches, refs = _images(*inputs)
    targets = np.empty(samples.shape, np.int64)
    for image, anchor in np.ndindex(samples.shape):
        if samples[image, anchor] > 0.5:
            targets[image, anchor] = int(refs[image, int(matches[image, anchor])]) + 1
        elif samples[image, anchor] < -0.5:
            targets[image, anchor] = 0
        else:
            targets[image, anchor] = int(ignore_label)
    return targets if _batched(*inputs) else targets[0]


def MultiClassDecoder(
    x: npt.ArrayLike, *, axis: int = -1, thresh: float = 0.01
) -> tuple[Array, Array]:
    """Define `refkernels.MultiClassDecoder`: int64 ids and exact scores."""
    foreground = np.moveaxis(exact(x), axis, -1)[..., 1:]
    threshold = _in_dtype_of(x, thresh)
    ids = np.full(foreground.shape[:-1], -1, np.int64)
    scores = np.full(ids.shape, Fraction(0), object)
    for index in np.ndindex(ids.shape):
        candidates = list(foreground[index])
        if max(candidates) > threshold:
            scores[index] = max(candidates)
            ids[index] = candidates.index(max(candidates))  # the first of equal ones
    return ids, scores


def MultiPerClassDecoder(
    x: npt.ArrayLike, *, num_class: int, axis: int = -1, thresh: float = 0.01
) -> tuple[Array, Array]:
    """Define `refkernels.MultiPerClassDecoder`: int64 ids and exact scores."""
    foreground = np.moveaxis(exact(x), axis, -1)[..., 1:]
    threshold = _in_dtype_of(x, thresh)
    ids = np.full(foreground.shape, -1, np.int64)
    scores = np.full(foreground.shape, Fraction(0), object)
    for index in np.ndindex(foreground.shape):
        if foreground[index] > threshold:
            ids[index], scores[index] = index[-1], foreground[index]
    return np.moveaxis(ids, -1, axis), np.moveaxis(scores, -1, axis)


def SigmoidClassEncoder(samples: npt.ArrayLike) -> tuple[Array, Array]:
    """Define `refkernels.SigmoidClassEncoder`: int64 targets and masks."""
    tolerance = _in_dtype_of(samples, 1e-5)
    values = exact(samples)
    targets, masks = np.empty(values.shape, np.int64), np.empty(values.shape, np.int64)
    for index in np.ndindex(values.shape):
        (meant,) = [sign for sign in (1, -1, 0) if abs(values[index] - sign) <= tolerance]
        targets[index], masks[index] = {1: (1, 1), -1: (0, 1), 0: (-1, 0)}[meant]
    return targets, masks


def CenterNetDecoder(
    x: npt.ArrayLike,
    wh: npt.ArrayLike,
    reg: npt.ArrayLike,
    *,
    topk: int = 100,
    scale: float = 4.0,
) -> tuple[Array, Array, Array]:
    """Define `refkernels.CenterNetDecoder`: int64 ids, exact scores and boxes."""
    inputs = ((x, 3), (wh, 3), (reg, 3))
    heat, sizes, shifts = (exact(array) for array in _images(*inputs))
    (factor,) = _rounded([scale], x, wh, reg)
    size, _, height, width = heat.shape
    ids = np.empty((size, topk), np.int64)
    scores = np.empty((size, topk), object)
    boxes = np.empty((size, topk, 4), object)
    for image in range(size):
        flat = heat[image].reshape(-1)
        ranked = sorted(range(len(flat)), key=lambda i: -flat[i])  # stable: the lowest index first
        for k, index in enumerate(ranked[:topk]):
            ids[image, k], scores[image, k] = index // (height * width), flat[index]
            row, column = index % (height * width) // width, index % (height * width) % width
            center_x = column + shifts[image, 0, row, column]
            center_y = row + shifts[image, 1, row, column]
            half_width = sizes[image, 0, row, column] / 2
            half_height = sizes[image, 1, row, column] / 2
            boxes[image, k] = [
                (center_x - half_width) * factor,
                (center_y - half_height) * factor,
                (center_x + half_width) * factor,
                (center_y + half_height) * factor,
            ]
    if _batched(*inputs):
        return ids, scores, boxes
    return ids[0], scores[0], boxes[0]


def _batched(*inputs: tuple[npt.ArrayLike, int]) -> bool:
    """Return whether an input has an axis more than one image's."""
    return any(np.ndim(array) > axes for array, axes in inputs)


def _images(*inputs: tuple[npt.ArrayLike, int]) -> tuple[Array, ...]:
    """Give the inputs that belong to one image a batch axis."""
    arrays = [(np.asarray(array), axes) for array, axes in inputs]
    return tuple(array if array.ndim > axes else array[np.newaxis] for array, axes in arrays)


def _rounded(values: Sequence[float], *inputs: npt.ArrayLike) -> list[Fraction]:
    """Round parameters that enter arithmetic to the dtype that the inputs are computed in."""
    computing = np.result_type(*(real(array) for array in inputs), np.float32)
    return [Fraction(float(computing.type(value))) for value in values]


def _in_dtype_of(x: npt.ArrayLike, value: float) -> float:
    """Round a parameter that is compared with data to the data's dtype."""
    with np.errstate(over="ignore"):  # beyond the largest number it is infinity
        return float(real(x).dtype.type(value))


def _center_form(box: Array) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    xmin, ymin, xmax, ymax = box
    width, height = xmax - xmin, ymax - ymin
    return xmin + width / 2, ymin + height / 2, width, height


def _encode(anchor: Array, truth: Array, mean: list[Fraction], std: list[Fraction]) -> list[Any]:
    """Return the four targets of a corner box for an anchor in corner form."""
    ax, ay, aw, ah = _center_form(anchor)
    gx, gy, gw, gh = _center_form(truth)
    codes = (
        _quotient(gx - ax, aw),
        _quotient(gy - ay, ah),
        _logarithm(_quotient(gw, aw)),
        _logarithm(_quotient(gh, ah)),
    )
    return [_normalised(codes[k], mean[k], std[k]) for k in range(4)]


def _quotient(a: Fraction, b: Fraction) -> Fraction | float:
    if b != 0:
        return a / b
    return math.nan if a == 0 else math.copysign(math.inf, a)


def _logarithm(x: Fraction | float) -> Any:
    if isinstance(x, float):
        return x if x > 0 else math.nan  # inf, or nan for -inf and nan
    if x <= 0:
        return -math.inf if x == 0 else math.nan
    with mpmath.workprec(PRECISION):
        return mpmath.log(_mpf(x))


def _normalised(code: Any, mean: Fraction, std: Fraction) -> Any:
    if isinstance(code, Fraction):
        return (code - mean) / std
    if isinstance(code, float):
        return code if std > 0 else -code
    with mpmath.workprec(PRECISION):
        return (code - _mpf(mean)) / _mpf(std)


def _half_side(exponent: Fraction, side: Fraction) -> Any:
    """Return exp(exponent) * side / 2."""
    if exponent > LARGEST_EXPONENT:
        return math.nan if side == 0 else math.copysign(math.inf, side)
    with mpmath.workprec(PRECISION):
        return mpmath.exp(_mpf(max(exponent, Fraction(-LARGEST_EXPONENT)))) * _mpf(side) / 2


def _ends(center: Fraction, half_side: Any) -> tuple[Any, Any]:
    """Return center - half_side and center + half_side."""
    if isinstance(half_side, float):
        return -half_side, half_side
    with mpmath.workprec(PRECISION):
        return _mpf(center) - half_side, _mpf(center) + half_side


def _mpf(x: Fraction) -> Any:
    return mpmath.mpf(x.numerator) / x.denominator
