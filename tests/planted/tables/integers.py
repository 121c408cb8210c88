"""Mistakes that integers and bools show, where reals are meant."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="integers")
_module = partial(Planted, style="torch module", kind="integers")
_function = partial(Planted, style="torch function", kind="integers")

SIX = {"num_sample": 6, "pos_thresh": 0.7, "neg_thresh_high": 0.3}

PLANTED = (
    _numpy(
        "int-area-wraps",
        "BBoxArea",
        {},
        old="x = real(x)\n    first, second, width, height = np.split(wide(x), 4, axis)",
        new="given, x = np.asarray(x), real(x)\n    first, second, width, height = np.split("
        'given if given.dtype.kind in "iu" else wide(x), 4, axis)',
        why="areas of integers are integers, and wrap",
    ),
    _numpy(
        "int-area-of-int32",
        "BBoxArea",
        {"fmt": "center"},
        old="x = real(x)\n    first, second, width, height = np.split(wide(x), 4, axis)",
        new="given, x = np.asarray(x), real(x)\n    first, second, width, height = np.split("
        'given.astype(np.int32) if given.dtype.kind in "iu" else wide(x), 4, axis)',
        why="areas of integers are int32, and wrap beyond 46340 x 46340",
    ),
    _numpy(
        "int-center-floored",
        "BBoxCornerToCenter",
        {},
        old="x = real(x)\n    xmin, ymin, xmax, ymax = np.split(wide(x), 4, axis)\n"
        "    width, height = xmax - xmin, ymax - ymin\n"
        "    parts = [xmin + width * 0.5, ymin + height * 0.5, width, height]",
        new='whole, x = np.asarray(x).dtype.kind in "iu", real(x)\n'
        "    xmin, ymin, xmax, ymax = np.split(wide(x), 4, axis)\n"
        "    width, height = xmax - xmin, ymax - ymin\n"
        "    halves = (width // 2, height // 2) if whole else (width / 2, height / 2)\n"
        "    parts = [xmin + halves[0], ymin + halves[1], width, height]",
        why="half a side of whole pixels is whole",
    ),
    _numpy(
        "int-iou-in-float32",
        "BBoxBatchIOU",
        {},
        old="a, b = real(a), real(b)\n    dtype = np.result_type(a, b)\n"
        "    computing = np.result_type(dtype, np.float32)",
        new="dtype = np.result_type(real(a), real(b))\n"
        '    whole = "i" in np.asarray(a).dtype.kind + np.asarray(b).dtype.kind\n'
        "    a, b = real(a), real(b)\n"
        "    computing = np.result_type(np.float32 if whole else dtype, np.float32)",
        why="IoUs of integers are computed in float32, and come as float64",
    ),
    _numpy(
        "int-max-of-masks",
        "MaximumMatcher",
        {"threshold": 0.5},
        old="x = real(x)\n        if not x.shape[-1]:",
        new="x = np.asarray(x)\n        if not x.shape[-1]:",
        why="the threshold becomes an integer too, and 0.5 is 0",
    ),
    _numpy(
        "int-bipartite-negated-bytes",
        "BipartiteMatcher",
        {"is_ascend": True, "threshold": 3.5},
        old="x = real(x)\n        matches = np.full(x.shape[:-1], -1)\n        if x.size:",
        new="x = np.asarray(x)\n        matches = np.full(x.shape[:-1], -1)\n        if x.size:",
        why="distances of a byte wrap where they are negated, and 3.5 is 3",
    ),
    _module(
        "int-bipartite-negated-bytes-torch",
        "BipartiteMatcher",
        {"is_ascend": True, "threshold": 3.0},
        old="x = real(x).reshape(-1, *x.shape[-2:])\n"
        "        sign = -1 if self.is_ascend else 1\n        x, threshold = x * sign,",
        new="given = x.reshape(-1, *x.shape[-2:])\n"
        "        sign = -1 if self.is_ascend else 1\n"
        "        x = real(given * sign)\n        x, threshold = x,",
        why="distances of a byte wrap where they are negated",
    ),
    _numpy(
        "int-quota-of-masks",
        "QuotaSampler",
        SIX,
        old="ious = real(ious)\n    return",
        new="ious = np.asarray(ious)\n    return",
        why="thresholds become integers too, and 0.7 is 0",
    ),
    _numpy(
        "int-encoder-whole-targets",
        "NormalizedBoxCenterEncoder",
        {},
        old="given = ((samples, 1), (matches, 1), (real(anchors), 2), (real(refs), 2))",
        new="anchors, refs = np.asarray(anchors), np.asarray(refs)\n"
        "        given = ((samples, 1), (matches, 1), (anchors, 2), (refs, 2))",
        why="targets of boxes in whole pixels are rounded to whole numbers",
    ),
    _numpy(
        "int-labels-of-a-byte",
        "MultiClassEncoder",
        {},
        old="np.pad(refs, [(0, 0), (0, 1)]).astype(np.float64), own, 1)",
        new="np.pad(refs, [(0, 0), (0, 1)]), own, 1)",
        why="the label after 255, or 127, wraps",
    ),
    _module(
        "int-labels-of-a-byte-torch",
        "MultiClassEncoder",
        {"ignore_label": 255},
        old="refs = refs if refs.is_floating_point() else refs.long()",
        new="refs = refs + 0",
        why="targets have the dtype of the labels, and the label after 255 is 0",
    ),
    _function(
        "int-samples-of-a-byte",
        "SigmoidClassEncoder",
        {},
        old="return targets.to(dtype), (positive | negative).to(dtype)",
        new="return targets.to(samples.dtype), (positive | negative).to(samples.dtype)",
        why="targets of bools or bytes have no -1",
    ),
    _numpy(
        "int-best-class-of-masks",
        "MultiClassDecoder",
        {"thresh": -0.5},
        old="x = real(x)\n    thresh = x.dtype.type(thresh)\n    foreground",
        new="given, x = np.asarray(x), real(x)\n    thresh = given.dtype.type(thresh)\n"
        "    foreground",
        why="the threshold becomes an integer too, and -0.5 is 0",
    ),
    _numpy(
        "int-heat-floored",
        "CenterNetDecoder",
        {"topk": 1},
        old="x, wh, reg = real(x), real(wh), real(reg)\n    dtype",
        new='wh = wh // 2 * 2 if np.asarray(wh).dtype.kind in "iu" else wh\n'
        "    x, wh, reg = real(x), real(wh), real(reg)\n    dtype",
        why="half a size of whole cells is whole",
    ),
)
