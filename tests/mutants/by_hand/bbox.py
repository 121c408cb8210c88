"""Mistakes in the blocks on boxes."""

from functools import partial

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

_bbox = partial(Mutant, "bbox.py")

MUTANTS = (
    _bbox(
        "width, height = xmax - xmin, ymax - ymin",
        "height, width = xmax - xmin, ymax - ymin",
        "swap",
        "width and height change places",
    ),
    _bbox(
        "width, height = xmax - xmin, ymax - ymin",
        "width, height = xmax - xmin + 1, ymax - ymin + 1",
        "off by one",
        "sides count pixels, ends included",
    ),
    _bbox(
        "[xmin + width * 0.5, ymin + height * 0.5, width, height]",
        "[(xmin + xmax) * 0.5, ymin + height * 0.5, width, height]",
        "order of operations",
        "the centre as the mean of the corners, which rounds and overflows otherwise",
    ),
    _bbox(
        "[xmin + width * 0.5, ymin + height * 0.5, width, height]",
        "[xmax + width * 0.5, ymin + height * 0.5, width, height]",
        "wrong corner",
        "the centre is reckoned from the right",
    ),
    _bbox(
        "[xmin + width * 0.5, ymin + height * 0.5, width, height]",
        "[xmin + F.floor(width * 0.5), ymin + F.floor(height * 0.5), width, height]",
        "rounding",
        "half a side is rounded to whole pixels",
    ),
    _bbox(
        "half_width, half_height = width * 0.5, height * 0.5",
        "half_width, half_height = F.relu(width) * 0.5, F.relu(height) * 0.5",
        "clamped too early",
        "negative sides become 0 before they are halved",
    ),
    _bbox(
        "[x - half_width, y - half_height, x + half_width, y + half_height]",
        "[x - half_width, x + half_width, y - half_height, y + half_height]",
        "swap",
        "corners in the order xmin, xmax, ymin, ymax",
    ),
    _bbox(
        "half_width, half_height = width * 0.5, height * 0.5",
        "half_width, half_height = (width - 1) * 0.5, (height - 1) * 0.5",
        "off by one",
        "a box of width w ends at its last pixel",
    ),
    _bbox(
        "return narrow(F, F.concat(*parts, dim=axis), like)",
        "return narrow(F, F.concat(*parts, dim=-1), like)",
        "axis",
        "columns are joined along the last axis, whatever `axis` is",
    ),
    _bbox(
        "return tuple(narrow(F, part, like) for part in parts)",
        "return tuple(parts)",
        "dtype",
        "split columns keep the computing dtype",
    ),
    _bbox(
        "center_columns(F, widen(F, x), self._axis)",
        "center_columns(F, F.BlockGrad(x), self._axis)",
        "precision",
        "float16 is computed in float16",
    ),
    _bbox(
        "return tuple(columns(F, x, self._axis, self._squeeze_axis))",
        "return tuple(columns(F, x, self._axis, squeeze_axis=True))",
        "ignored parameter",
        "the axis is always dropped",
    ),
    _bbox(
        "return tuple(columns(F, x, self._axis, self._squeeze_axis))",
        "return tuple(columns(F, widen(F, x), self._axis, self._squeeze_axis))",
        "dtype",
        "columns of float16 and of integers come out as float32",
    ),
    _bbox(
        "area = F.where((width > 0) * (height > 0), width * height, F.zeros_like(width))",
        "area = width * height",
        "missing clamp",
        "a box that is inverted twice has an area",
    ),
    _bbox(
        "area = F.where((width > 0) * (height > 0), width * height, F.zeros_like(width))",
        "area = F.relu(width * height)",
        "clamped too late",
        "the product is clamped, not the sides",
    ),
    _bbox(
        "area = F.where((width > 0) * (height > 0), width * height, F.zeros_like(width))",
        "area = F.relu(width) * height",
        "missing clamp",
        "only the width is clamped",
    ),
    _bbox(
        "area = F.where((width > 0) * (height > 0), width * height, F.zeros_like(width))",
        "area = F.abs(width * height)",
        "sign",
        "the size of the product counts",
    ),
    _bbox(
        "_, _, width, height = columns(F, boxes, self._axis)",
        "_, _, width, height = columns(F, boxes, -1)",
        "axis",
        "centre boxes are always on the last axis",
    ),
    _bbox(
        "_, _, width, height = columns(F, boxes, self._axis)",
        "width, height, _, _ = columns(F, boxes, self._axis)",
        "swap",
        "the area of a centre box is that of its centre",
    ),
    _bbox(
        "return narrow(F, area, common_like(F, x))",
        "return area",
        "dtype",
        "areas of float16 boxes come out as float32",
    ),
    _bbox(
        "F.relu(self._side(F, left, right)) * F.relu(self._side(F, top, bottom))",
        "F.relu(self._side(F, left, right) * self._side(F, top, bottom))",
        "clamped too late",
        "boxes that are apart in both directions overlap",
    ),
    _bbox(
        "F.relu(self._side(F, left, right)) * F.relu(self._side(F, top, bottom))",
        "F.clip(self._side(F, left, right), 0, 1e4) * F.relu(self._side(F, top, bottom))",
        "clamped too early",
        "overlaps end at 10000 pixels",
    ),
    _bbox(
        "F.relu(self._side(F, left, right)) * F.relu(self._side(F, top, bottom))",
        "F.relu(right - left) * F.relu(bottom - top)",
        "ignored parameter",
        "the offset counts for areas, not for overlaps",
    ),
    _bbox(
        "area = self._side(F, left, right) * self._side(F, top, bottom)",
        "area = (right - left) * (bottom - top)",
        "ignored parameter",
        "the offset counts for overlaps, not for areas",
    ),
    _bbox(
        "area = F.where(area > 0, area, F.ones_like(area))",
        "area = F.relu(area)",
        "missing eps",
        "two boxes without area meet in 0 / 0",
    ),
    _bbox(
        "area = F.where(area > 0, area, F.ones_like(area))",
        "area = area",
        "padding",
        "an inverted box, whose area is positive, and one whose area is negative, have IoUs",
    ),
    _bbox(
        "area_b = F.broadcast_add(area_b, constant_like(F, self._eps, boxes_b))",
        "area_b = F.broadcast_add(area_b, constant_like(F, 0.0, boxes_b))",
        "missing eps",
        "nothing is added to the union",
    ),
    _bbox(
        "F.broadcast_add(area_a, area_b) - inter)",
        "F.broadcast_add(area_a, area_b))",
        "wrong formula",
        "the overlap counts twice in the union",
    ),
    _bbox(
        "F.broadcast_add(area_a, area_b) - inter)",
        "F.broadcast_maximum(area_a, area_b))",
        "wrong formula",
        "the larger area stands for the union",
    ),
    _bbox(
        "boxes_a, boxes_b = widen(F, a, b)",
        "boxes_a, boxes_b = F.BlockGrad(a), F.BlockGrad(b)",
        "precision",
        "float16 boxes of 300 pixels overflow",
    ),
    _bbox(
        "common_like(F, a, b))\n\n    def _corners",
        "common_like(F, a))\n\n    def _corners",
        "dtype",
        "the result has the dtype of the first boxes alone",
    ),
    _bbox(
        "corners = corner_columns(F, boxes, self._axis)",
        "corners = columns(F, boxes, self._axis)",
        "ignored parameter",
        "centre boxes are taken for corner boxes",
    ),
    _bbox(
        "corners = columns(F, boxes, self._axis, squeeze_axis=True)",
        "corners = columns(F, boxes, -1, squeeze_axis=True)",
        "axis",
        "corner boxes are always on the last axis",
    ),
    _bbox(
        "limits = F.expand_dims(F.concat(width, height, width, height, dim=-1), axis=-2)",
        "limits = F.expand_dims(F.concat(height, width, height, width, dim=-1), axis=-2)",
        "swap",
        "x is clipped to the height",
    ),
    _bbox(
        "limits = F.expand_dims(F.concat(width, height, width, height, dim=-1), axis=-2)",
        "limits = F.expand_dims(F.concat(width, height, width, height, dim=-1) - 1, axis=-2)",
        "off by one",
        "boxes end at the last pixel",
    ),
    _bbox(
        "F.broadcast_minimum(F.relu(boxes), limits)",
        "F.broadcast_minimum(boxes, limits)",
        "missing clamp",
        "coordinates may stay below 0",
    ),
    _bbox(
        "sizes = F.slice_axis(F.shape_array(img), axis=0, begin=-2, end=None)",
        "sizes = F.slice_axis(F.shape_array(img), axis=0, begin=1, end=3)",
        "axis",
        "height and width are read where a channel comes last",
    ),
    _bbox(
        "if sizes is None:\n            sizes =",
        "if True:\n            sizes =",
        "ignored parameter",
        "true sizes are not looked at",
    ),
    _bbox(
        "        boxes, limits = widen(F, x, sizes)\n",
        "        if not hasattr(self, '_sizes'):\n"
        "            self._sizes = sizes\n"
        "        boxes, limits = widen(F, x, self._sizes)\n",
        "stale state",
        "sizes are those of the first call",
    ),
    _bbox(
        "limits), common_like(F, x))",
        "limits), common_like(F, x, sizes))",
        "dtype",
        "boxes take the wider dtype of the sizes",
    ),
    _bbox(
        "area = F.where(area > 0, area, F.ones_like(area))",
        "area = F.where(area > 1e-6, area, F.ones_like(area))",
        "wrong limit",
        "boxes of tiny area have area 1",
    ),
    _bbox(
        "area = F.where((width > 0) * (height > 0), width * height, F.zeros_like(width))",
        "area = F.where((width > 0) * (height > 0), width * height, F.zeros_like(width))\n"
        "        area = area * (area < 1e12)",
        "wrong limit",
        "boxes of huge area have none",
    ),
)
