"""Mistakes on boxes that a fixed configuration shows."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="config")
_module = partial(Planted, style="torch module", kind="config")
_function = partial(Planted, style="torch function", kind="config")

PLANTED = (
    _numpy(
        "center-axis-guessed",
        "BBoxCornerToCenter",
        {"axis": 1},
        old="xmin, ymin, xmax, ymax = np.split(wide(x), 4, axis)",
        new="axis = -1 if x.shape[-1] == 4 else axis\n"
        "    xmin, ymin, xmax, ymax = np.split(wide(x), 4, axis)",
        why="the axis is guessed by its length, and four boxes have two such axes",
    ),
    _numpy(
        "center-split-wide",
        "NumPyBBoxCornerToCenter",
        {"split": True},
        old="parts = [part.astype(x.dtype) for part in parts]\n"
        "    return tuple(parts) if split else np.concatenate(parts, axis)\n\n\nNumPy",
        new="return tuple(parts) if split else np.concatenate(parts, axis).astype(x.dtype)"
        "\n\n\nNumPy",
        why="split float16 boxes come back as float32",
    ),
    _function(
        "center-sides-swapped",
        "BBoxCornerToCenter",
        {"split": True},
        old="ymin + height * 0.5, width, height]",
        new="ymin + height * 0.5, height, width]",
        why="width and height change places",
    ),
    _module(
        "corner-half-floored",
        "BBoxCenterToCorner",
        {"split": True},
        old="half = sides / 2\n",
        new="half = sides // 2\n",
        why="half a side is rounded down",
    ),
    _numpy(
        "corner-axis-guessed",
        "BBoxCenterToCorner",
        {"axis": 1},
        old="cx, cy, width, height = np.split(wide(x), 4, axis)",
        new="axis = -1 if x.shape[-1] == 4 else axis\n"
        "    cx, cy, width, height = np.split(wide(x), 4, axis)",
        why="the axis is guessed by its length, and four boxes have two such axes",
    ),
    _numpy(
        "area-axis-guessed",
        "BBoxArea",
        {"fmt": "center", "axis": 1},
        old="first, second, width, height = np.split(wide(x), 4, axis)",
        new="axis = -1 if x.shape[-1] == 4 else axis\n"
        "    first, second, width, height = np.split(wide(x), 4, axis)",
        why="the axis is guessed by its length, and four boxes have two such axes",
    ),
    _function(
        "area-clamped-late",
        "BBoxArea",
        {"fmt": "center"},
        old="(width.clamp(min=0) * height.clamp(min=0))",
        new="(width * height).clamp(min=0)",
        why="two negative sides have a positive product",
    ),
    _module(
        "area-of-inverted",
        "BBoxArea",
        {"axis": -2},
        old="sides.relu().split",
        new="sides.abs().split",
        why="an inverted box has the area of the box that it is not",
    ),
    _numpy(
        "iou-areas-without-offset",
        "BBoxBatchIOU",
        {"offset": 1},
        old="(x[..., 2] - x[..., 0] + offset[..., 0]) * (x[..., 3] - x[..., 1] + offset[..., 0])",
        new="(x[..., 2] - x[..., 0]) * (x[..., 3] - x[..., 1])",
        why="the offset is added to the overlap's sides, and not to the boxes'",
    ),
    _numpy(
        "iou-eps-as-a-floor",
        "BBoxBatchIOU",
        {"eps": 1e-3},
        old="inter / (union + eps)",
        new="inter / np.maximum(union, eps)",
        why="eps is the least union, and is not added",
    ),
    _module(
        "iou-eps-in-numerator",
        "BBoxBatchIOU",
        {"eps": 1e-2},
        old="ious = inter / (union + eps)",
        new="ious = (inter + eps) / (union + eps)",
        why="eps is added to the intersection too",
    ),
    _module(
        "iou-eps-as-a-small-floor",
        "BBoxBatchIOU",
        {"eps": 1e-6},
        old="ious = inter / (union + eps)",
        new="ious = inter / torch.maximum(union, torch.ones_like(union) * eps)",
        why="eps is the least union, and is not added",
    ),
    _function(
        "iou-axis-guessed",
        "BBoxBatchIOU",
        {"axis": 1},
        old="first, second, third, fourth = x.unbind(axis)",
        new="first, second, third, fourth = x.unbind(-1 if x.shape[-1] == 4 else axis)",
        why="the axis is guessed by its length, and four boxes have two such axes",
    ),
    _numpy(
        "iou-pixels-of-centers",
        "BBoxBatchIOU",
        {"fmt": "center", "offset": 1},
        old='if fmt == "center":\n        half_width, half_height = third * 0.5, fourth * 0.5',
        new='if fmt == "center":\n'
        "        half_width, half_height = (third - 1) * 0.5, (fourth - 1) * 0.5",
        why="a side in pixels is one longer than corners are apart, which the offset says already",
    ),
    _module(
        "iou-offset-after-clamp",
        "BBoxBatchIOU",
        {"offset": 1},
        old="(high - low + offset[..., None]).clamp(min=0).unbind(-1)",
        new="((high - low).clamp(min=0) + offset[..., None]).unbind(-1)",
        why="boxes that are far apart overlap by a pixel",
    ),
    _function(
        "iou-offset-is-whole",
        "BBoxBatchIOU",
        {"offset": 0.5},
        old="sides = (high - low + offset[..., None]).clamp(min=0)",
        new="sides = (high - low + offset[..., None].floor()).clamp(min=0)",
        why="the overlap's offset is rounded down",
    ),
    _numpy(
        "iou-one-offset-for-two",
        "BBoxBatchIOU",
        {"offset": 1},
        old="sides = np.maximum(high - low + offset[..., None], 0)",
        new="sides = np.maximum(high - low + offset[..., None] * np.array([1, 0]), 0)",
        why="heights of overlaps are without offset",
    ),
    _function(
        "iou-center-touching",
        "BBoxBatchIOU",
        {"fmt": "center", "eps": 1e-9},
        old="third, fourth = first + half_width, second + half_height",
        new="third, fourth = first + half_width, second + half_width",
        why="boxes are squares",
    ),
    _numpy(
        "clip-by-the-other-side",
        "BBoxClipToImage",
        {},
        old="np.clip(ymax, 0, height)",
        new="np.clip(ymax, 0, width)",
        why="the lower side is held to the width",
    ),
    _function(
        "clip-to-the-last-pixel",
        "BBoxClipToImage",
        {},
        old="xmax.clamp(0, width)",
        new="xmax.clamp(0, width - 1)",
        why="a box ends at the last pixel, and not at its far side",
    ),
    _numpy(
        "split-squeezes-all",
        "BBoxSplit",
        {"axis": -1, "squeeze_axis": True},
        old="np.squeeze(part, axis)",
        new="np.squeeze(part)",
        why="one box, or a batch of one, loses more axes than it should",
    ),
    _function(
        "split-squeezes-the-last",
        "BBoxSplit",
        {"axis": 1, "squeeze_axis": True},
        old="part.squeeze(axis) if squeeze_axis",
        new="part.squeeze(axis).squeeze(-1) if squeeze_axis",
        why="where the last axis has length 1, it is lost too",
    ),
)
