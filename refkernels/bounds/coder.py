"""Forward error bounds of the coders, derived the way `refkernels.bounds.bbox` says.

The formulas are those of SPEC section 4, step by step; only log and exp are new. A mathematical
library rounds them less well than the four operations: to within 1 unit in the last place for log
and 2 for exp, which glibc and CUDA state of theirs. Such a unit is at most 2 u of the result.

Where a formula has no finite result in exact arithmetic, there is no bound to speak of, and the
functions return any finite number.
"""

from typing import Any

import numpy as np

from refkernels.arrays import Array, common_real, computing_dtype, rounded_to_computing
from refkernels.bounds.bbox import Approximate, exactly, final_rounding, roundoff
from refkernels.conformance.model.operator import Case

__all__ = [
    "box_center_decoder",
    "box_center_encoder",
    "center_net_boxes",
    "per_class_box_center_encoder",
]

STDS = (0.1, 0.1, 0.2, 0.2)
MEANS = (0.0, 0.0, 0.0, 0.0)

LOG_ULPS = 1
EXP_ULPS = 2

# For a bound that is infinite: every finite number lies within it.
UNBOUNDED = float(np.finfo(np.float64).max)


def box_center_encoder(case: Case) -> Array:
    """Bound the targets of NormalizedBoxCenterEncoder.

    A centre errs by about u |coordinate|, and a difference of centres keeps that, so an offset errs
    by it over the anchor's width, and over the std: much where boxes are small and far from the
    origin. A ratio of widths is within 3 u, relative, which log turns into 3 u, absolute.
    """
    dtype = common_real(case.inputs["anchors"], case.inputs["refs"])
    samples = np.atleast_2d(case.inputs["samples"])
    matches = np.atleast_2d(case.inputs["matches"]).astype(np.int64)
    positive = samples > 0.5
    refs = _as_batch(case.inputs["refs"])
    if not positive.any():
        return _like_inputs(case, np.zeros((*samples.shape, 4)))
    truths = np.take_along_axis(refs, np.where(positive, matches, 0)[..., None], 1)
    anchors = np.broadcast_to(_as_batch(case.inputs["anchors"]), truths.shape)
    ax, ay, aw, ah = _center_form(anchors, dtype)
    gx, gy, gw, gh = _center_form(truths, dtype)
    with np.errstate(all="ignore"):
        codes = [(gx - ax) / aw, (gy - ay) / ah, _log(gw / aw), _log(gh / ah)]
        targets = [
            (code - _parameter(case, "means", MEANS, k, dtype))
            / _parameter(case, "stds", STDS, k, dtype)
            for k, code in enumerate(codes)
        ]
        bounds = np.stack([_finish(target, dtype) for target in targets], -1)
    return _like_inputs(case, np.where(positive[..., None], bounds, 0))


def per_class_box_center_encoder(case: Case) -> Array:
    """Bound the targets of NormalizedPerClassBoxCenterEncoder: the rows of the plain encoder."""
    positive = case.inputs["samples"] > 0.5
    rows = min(case.config.get("max_pos", 128), positive.shape[-1])
    indices = np.argsort(~positive, axis=-1, kind="stable")[..., :rows]
    bounds = box_center_encoder(case)
    if bounds.ndim > indices.ndim + 1:
        indices = indices[None]
    picked = np.take_along_axis(bounds, indices[..., None], -2)
    return np.repeat(picked[..., None, :], case.config["num_class"], -2)


def box_center_decoder(case: Case) -> Array:
    """Bound NormalizedBoxCenterDecoder.

    What exp is taken of errs by about 2 u of itself, which exp turns into a relative error; the
    sums that make the corners add u of their results. The upper limit lengthens no distance.
    """
    dtype = common_real(*case.inputs.values())
    x = case.inputs["x"].astype(np.float64)
    anchors = case.inputs["anchors"].astype(np.float64)
    if x.ndim != anchors.ndim:
        x, anchors = _as_batch(x), _as_batch(anchors)
    anchors = np.broadcast_to(anchors, x.shape)
    unit = roundoff(computing_dtype(dtype))
    if case.config.get("convert_anchor", False):
        ax, ay, aw, ah = _center_form(anchors, dtype)
    else:
        ax, ay, aw, ah = (exactly(anchors[..., k], unit) for k in range(4))
    with np.errstate(all="ignore"):
        offsets = [
            exactly(x[..., k], unit) * _parameter(case, "stds", STDS, k, dtype)
            + _parameter(case, "means", MEANS, k, dtype)
            for k in range(4)
        ]
        center_x, center_y = offsets[0] * aw + ax, offsets[1] * ah + ay
        half_width = _halved(_exp(_limited(case, offsets[2], dtype)) * aw)
        half_height = _halved(_exp(_limited(case, offsets[3], dtype)) * ah)
        corners = [
            center_x - half_width,
            center_y - half_height,
            center_x + half_width,
            center_y + half_height,
        ]
        return np.stack([_finish(corner, dtype) for corner in corners], -1)


def center_net_boxes(case: Case) -> Array:
    """Bound the boxes of CenterNetDecoder: three roundings, and a cell's number from 1 / u on."""
    dtype = common_real(*case.inputs.values())
    unit = roundoff(computing_dtype(dtype))
    batched = any(array.ndim == 4 for array in case.inputs.values())
    x, wh, reg = (a if a.ndim == 4 else a[None] for a in case.inputs.values())
    size, _, height, width = x.shape
    # Negation is exact, and a stable sort leaves the lowest index in front.
    order = np.argsort(-x.reshape(size, -1), axis=1, kind="stable")
    cells = order[:, : case.config.get("topk", 100)] % (height * width)

    def at_cells(maps: Array, channel: int) -> Approximate:
        flat = maps[:, channel].reshape(size, -1).astype(np.float64)
        return exactly(np.take_along_axis(flat, cells, 1), unit)

    def number(values: Array) -> Approximate:
        return Approximate(values, np.where(values > 1 / unit.u, unit.u * values, 0), unit)

    scale = exactly(float(rounded_to_computing(case.config.get("scale", 4.0), dtype)), unit)
    center_x = number(cells % width) + at_cells(reg, 0)
    center_y = number(cells // width) + at_cells(reg, 1)
    half_width, half_height = _halved(at_cells(wh, 0)), _halved(at_cells(wh, 1))
    corners = [
        center_x - half_width,
        center_y - half_height,
        center_x + half_width,
        center_y + half_height,
    ]
    bounds = np.stack([_finish(corner * scale, dtype) for corner in corners], -1)
    return bounds if batched else bounds[0]


def _as_batch(boxes: Array) -> Array:
    return np.asarray(boxes if boxes.ndim == 3 else boxes[None], np.float64)


def _like_inputs(case: Case, bounds: Array) -> Array:
    """Take the batch axis away if no input had one."""
    axes = {"samples": 1, "matches": 1, "labels": 1, "anchors": 2, "refs": 2}
    batched = any(array.ndim > axes[name] for name, array in case.inputs.items())
    return bounds if batched else bounds[0]


def _parameter(
    case: Case, name: str, default: tuple[float, ...], k: int, dtype: Any
) -> Approximate:
    value = float(rounded_to_computing(case.config.get(name, default)[k], dtype))
    return exactly(value, roundoff(computing_dtype(dtype)))


def _center_form(boxes: Array, dtype: Any) -> list[Approximate]:
    unit = roundoff(computing_dtype(dtype))
    xmin, ymin, xmax, ymax = (exactly(boxes[..., k], unit) for k in range(4))
    width, height = xmax - xmin, ymax - ymin
    return [xmin + _halved(width), ymin + _halved(height), width, height]


def _halved(side: Approximate) -> Approximate:
    # Halving is exact unless it underflows.
    return Approximate(side.value / 2, side.error / 2 + side.unit.eta, side.unit)


def _limited(case: Case, exponent: Approximate, dtype: Any) -> Approximate:
    clip = case.config.get("clip", -1.0)
    if clip is None or clip <= 0:
        return exponent
    limit = float(rounded_to_computing(clip, dtype))
    return Approximate(np.minimum(exponent.value, limit), exponent.error, exponent.unit)


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
