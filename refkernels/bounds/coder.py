"""Forward error bounds of the coders, derived the way `refkernels.bounds.arithmetic` says.

The formulas are those of SPEC sections 4 and 6, step by step; only log and exp are new. A
mathematical library rounds them less well than the four operations: to within 1 unit in the last
place for log and 2 for exp, which glibc and CUDA state of theirs. Such a unit is at most 2 u of the
result.

Where a formula has no finite result in exact arithmetic, there is no bound to speak of, and the
functions return any finite number.
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from refkernels.arrays import Array, common_real, computing_dtype, rounded_to_computing
from refkernels.bounds.arithmetic import (
    Approximate,
    exactly,
    final_rounding,
    halved,
    roundoff,
)

__all__ = [
    "box_center_decoder",
    "box_center_encoder",
    "center_net_boxes",
    "distance_decoder",
    "distance_encoder",
    "per_class_box_center_encoder",
]

STDS = (0.1, 0.1, 0.2, 0.2)
MEANS = (0.0, 0.0, 0.0, 0.0)

LOG_ULPS = 1
EXP_ULPS = 2

# For a bound that is infinite: every finite number lies within it.
UNBOUNDED = float(np.finfo(np.float64).max)


def box_center_encoder(
    samples: Array,
    matches: Array,
    anchors: Array,
    refs: Array,
    *,
    stds: Sequence[float] = STDS,
    means: Sequence[float] = MEANS,
    reciprocals: Collection[str] = (),
) -> Array:
    """Bound the targets of NormalizedBoxCenterEncoder.

    A centre errs by about ``u |coordinate|``, and a difference of centres keeps that, so an offset
    errs by it over the anchor's width, and over the std: much where boxes are small and far from
    the origin. A ratio of widths is within 3 u, relative, which log turns into 3 u, absolute.
    """
    dtype = common_real(anchors, refs)
    batched = samples.ndim > 1 or matches.ndim > 1 or anchors.ndim > 2 or refs.ndim > 2
    positive = np.atleast_2d(samples) > 0.5
    matches = np.atleast_2d(matches).astype(np.int64)
    refs = _as_batch(refs)
    if not positive.any():
        bounds = np.zeros((*positive.shape, 4))
        return bounds if batched else bounds[0]
    truths = np.take_along_axis(refs, np.where(positive, matches, 0)[..., None], 1)
    anchors = np.broadcast_to(_as_batch(anchors), truths.shape)
    scales = _scales(stds, dtype, reciprocals)
    ax, ay, aw, ah = _center_form(anchors, dtype)
    gx, gy, gw, gh = _center_form(truths, dtype)
    with np.errstate(all="ignore"):
        codes = [(gx - ax) / aw, (gy - ay) / ah, _log(gw / aw), _log(gh / ah)]
        targets = [(code - _parameter(means[k], dtype)) / scales[k] for k, code in enumerate(codes)]
        bounds = np.stack([_finish(target, dtype) for target in targets], -1)
    bounds = np.where(positive[..., None], bounds, 0)
    return bounds if batched else bounds[0]


def per_class_box_center_encoder(
    samples: Array,
    matches: Array,
    anchors: Array,
    labels: Array,
    refs: Array,
    *,
    num_class: int,
    max_pos: int = 128,
    stds: Sequence[float] = STDS,
    means: Sequence[float] = MEANS,
    reciprocals: Collection[str] = (),
) -> Array:
    """Bound the targets of NormalizedPerClassBoxCenterEncoder: the rows of the plain encoder."""
    positive = samples > 0.5
    rows = min(max_pos, positive.shape[-1])
    indices = np.argsort(~positive, axis=-1, kind="stable")[..., :rows]
    bounds = box_center_encoder(
        samples, matches, anchors, refs, stds=stds, means=means, reciprocals=reciprocals
    )
    if labels.ndim > 1 and bounds.ndim == 2:
        bounds = bounds[None]
    if bounds.ndim > indices.ndim + 1:
        indices = indices[None]
    picked = np.take_along_axis(bounds, indices[..., None], -2)
    return np.repeat(picked[..., None, :], num_class, -2)


def box_center_decoder(
    x: Array,
    anchors: Array,
    *,
    stds: Sequence[float] = STDS,
    means: Sequence[float] = MEANS,
    convert_anchor: bool = False,
    clip: float | None = None,
    clip_low: float | None = None,
    reciprocals: Collection[str] = (),
) -> Array:
    """Bound NormalizedBoxCenterDecoder.

    What exp is taken of errs by about 2 u of itself, which exp turns into a relative error; the
    sums that make the corners add u of their results. The limits lengthen no distance.
    """
    dtype = common_real(x, anchors)
    x, anchors = x.astype(np.float64), anchors.astype(np.float64)
    if x.ndim != anchors.ndim:
        x, anchors = _as_batch(x), _as_batch(anchors)
    anchors = np.broadcast_to(anchors, x.shape)
    unit = roundoff(computing_dtype(dtype))
    if convert_anchor:
        ax, ay, aw, ah = _center_form(anchors, dtype)
    else:
        ax, ay, aw, ah = (exactly(anchors[..., k], unit) for k in range(4))
    scales = _scales(stds, dtype, reciprocals)
    with np.errstate(all="ignore"):
        offsets = [
            exactly(x[..., k], unit) * scales[k] + _parameter(means[k], dtype) for k in range(4)
        ]
        center_x, center_y = offsets[0] * aw + ax, offsets[1] * ah + ay
        half_width = halved(_exp(_limited(offsets[2], clip_low, clip, dtype)) * aw)
        half_height = halved(_exp(_limited(offsets[3], clip_low, clip, dtype)) * ah)
        corners = [
            center_x - half_width,
            center_y - half_height,
            center_x + half_width,
            center_y + half_height,
        ]
        return np.stack([_finish(corner, dtype) for corner in corners], -1)


def center_net_boxes(
    x: Array, wh: Array, reg: Array, *, topk: int = 100, scale: float = 4.0
) -> Array:
    """Bound the boxes of CenterNetDecoder: three roundings, and a cell's number from 1 / u on."""
    dtype = common_real(x, wh, reg)
    unit = roundoff(computing_dtype(dtype))
    batched = any(maps.ndim == 4 for maps in (x, wh, reg))
    x, wh, reg = (maps if maps.ndim == 4 else maps[None] for maps in (x, wh, reg))
    size, _, height, width = x.shape
    # Negation is exact, and a stable sort leaves the lowest index in front.
    order = np.argsort(-x.reshape(size, -1), axis=1, kind="stable")
    cells = order[:, :topk] % (height * width)

    def at_cells(maps: Array, channel: int) -> Approximate:
        """Return the values of a channel in the cells that are chosen, which have no error."""
        flat = maps[:, channel].reshape(size, -1).astype(np.float64)
        return exactly(np.take_along_axis(flat, cells, 1), unit)

    def number(values: Array) -> Approximate:
        """Return numbers of columns or rows, which are rounded from 1 / u on."""
        return Approximate(values, np.where(values > 1 / unit.u, unit.u * values, 0), unit)

    factor = _parameter(scale, dtype)
    center_x = number(cells % width) + at_cells(reg, 0)
    center_y = number(cells // width) + at_cells(reg, 1)
    half_width, half_height = halved(at_cells(wh, 0)), halved(at_cells(wh, 1))
    corners = [
        center_x - half_width,
        center_y - half_height,
        center_x + half_width,
        center_y + half_height,
    ]
    bounds = np.stack([_finish(corner * factor, dtype) for corner in corners], -1)
    return bounds if batched else bounds[0]


def distance_encoder(
    points: Array, boxes: Array, sizes: Array | None = None, *, normalize: bool = False
) -> Array:
    """Bound DistanceEncoder: a difference rounds once, and its quotient by a size once more."""
    reals = [array for array in (points, boxes, sizes) if array is not None]
    dtype = common_real(*reals)
    unit = roundoff(computing_dtype(dtype))
    sides = []
    for side in range(4):
        center = exactly(points[:, side % 2].astype(np.float64), unit)
        end = exactly(boxes[..., side].astype(np.float64), unit)
        distance = center - end if side < 2 else end - center
        if sizes is not None:
            distance = distance / exactly(sizes[:, side % 2].astype(np.float64), unit)
        sides.append(_finish(distance, dtype))
    return np.stack(sides, -1)


def distance_decoder(
    points: Array, distances: Array, sizes: Array | None = None, *, normalize: bool = False
) -> Array:
    """Bound DistanceDecoder: a product with a size rounds once, and its sum with a point."""
    reals = [array for array in (points, distances, sizes) if array is not None]
    dtype = common_real(*reals)
    unit = roundoff(computing_dtype(dtype))
    ends = []
    for side in range(4):
        center = exactly(points[:, side % 2].astype(np.float64), unit)
        distance = exactly(distances[..., side].astype(np.float64), unit)
        if sizes is not None:
            distance = distance * exactly(sizes[:, side % 2].astype(np.float64), unit)
        ends.append(_finish(center - distance if side < 2 else center + distance, dtype))
    return np.stack(ends, -1)


def _as_batch(boxes: Array) -> Array:
    return np.asarray(boxes if boxes.ndim == 3 else boxes[None], np.float64)


def _parameter(value: float, dtype: Any) -> Approximate:
    unit = roundoff(computing_dtype(dtype))
    return exactly(float(rounded_to_computing(value, dtype)), unit)


def _scales(stds: Sequence[float], dtype: Any, reciprocals: Collection[str]) -> list[Approximate]:
    """Return the stds as code has them that may have their reciprocals in their place.

    Such a number is off by three roundings: that of the std itself, that of its reciprocal, and
    that of this from float64 to the dtype.
    """
    scales = [_parameter(std, dtype) for std in stds]
    if "stds" not in reciprocals:
        return scales
    return [
        Approximate(std.value, np.abs(std.value) * ((1 + std.unit.u) ** 3 - 1), std.unit)
        for std in scales
    ]


def _center_form(boxes: Array, dtype: Any) -> list[Approximate]:
    unit = roundoff(computing_dtype(dtype))
    xmin, ymin, xmax, ymax = (exactly(boxes[..., k], unit) for k in range(4))
    width, height = xmax - xmin, ymax - ymin
    return [xmin + halved(width), ymin + halved(height), width, height]


def _limited(
    exponent: Approximate, low: float | None, high: float | None, dtype: Any
) -> Approximate:
    value = exponent.value
    if high is not None and high > 0:
        value = np.minimum(value, float(rounded_to_computing(high, dtype)))
    if low is not None:
        value = np.maximum(value, float(rounded_to_computing(low, dtype)))
    return Approximate(value, exponent.error, exponent.unit)


def _log(x: Approximate) -> Approximate:
    """Take the logarithm: log(x (1 + d)) - log(x) = log(1 + d), at most -log(1 - |d|)."""
    value = np.log(x.value)
    error = -np.log1p(-np.minimum(x.error / np.abs(x.value), 1))
    own = 2 * LOG_ULPS * x.unit.u * (np.abs(value) + error)
    return Approximate(value, error + own, x.unit)


def _exp(x: Approximate) -> Approximate:
    """Take the exponential: exp(x + e) - exp(x) = exp(x) (exp(e) - 1)."""
    value = np.exp(x.value)
    error = value * np.expm1(x.error)
    own = 2 * EXP_ULPS * x.unit.u * (value + error) + x.unit.eta
    return Approximate(value, error + own, x.unit)


def _finish(result: Approximate, dtype: Any) -> Array:
    bound = final_rounding(result.value, result.error, dtype)
    return np.where(np.isfinite(bound), bound, UNBOUNDED)
