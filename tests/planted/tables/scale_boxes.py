"""Mistakes on boxes, costs and anchors that batches, sizes and digits show."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="config")
_size = partial(Planted, style="numpy", kind="size")
_neighbours = partial(Planted, style="numpy", kind="neighbours")

FOCAL = {"kind": "focal", "gamma": 1.5, "alpha": 0.3}
SCORES = 'left = np.argsort(-scores, kind="stable")'

PLANTED = (
    _numpy(
        "diou-center-of-clamped",
        "BBoxBatchDIOU",
        None,
        old="apart = ((pairs.a[..., :2] + pairs.a[..., 2:]) - "
        "(pairs.b[..., :2] + pairs.b[..., 2:])) / 2",
        new="half_a, half_b = (np.maximum(x, 0) / 2 for x in (pairs.sides_a, pairs.sides_b))\n"
        "    apart = pairs.a[..., :2] + half_a - pairs.b[..., :2] - half_b",
        why="the centre of an inverted box is its first corner",
    ),
    _size(
        "size-giou-in-half",
        "BBoxBatchGIOU",
        None,
        old="missed = quotient(area - pairs.union(), area)",
        new="missed = quotient(area - pairs.union(), area)\n"
        "    missed = missed.astype(np.float16) if missed.shape[-2] > 4096 else missed",
        why="with more than 4096 anchors fractions are kept in float16",
    ),
    _neighbours(
        "batch-diou-largest-diagonal",
        "BBoxBatchDIOU",
        None,
        old="diagonal = (pairs.hull() ** 2).sum(-1)",
        new="diagonal = (pairs.hull() ** 2).sum(-1)\n"
        "    diagonal = np.maximum(diagonal, diagonal.max(initial=0) * 1e-6)",
        why="a diagonal is no thousandth of the batch's largest",
    ),
    _numpy(
        "nms-in-half",
        "NMS",
        {"threshold": 0.5},
        old="boxes = boxes.astype(np.longdouble)",
        new="boxes = boxes.copy()",
        why="IoUs of float16 boxes are computed in float16, whose areas end at 256 x 256",
    ),
    _numpy(
        "nms-eps-in-union",
        "NMS",
        {"threshold": 0.5},
        old="inter / (area + areas - inter)",
        new="inter / (area + areas - inter + 1e-7)",
        why="an eps is added to the union, which may be as small",
    ),
    _numpy(
        "nms-zero-is-none",
        "NMS",
        {"threshold": 0.0},
        old="boxes.dtype.type(threshold)",
        new="boxes.dtype.type(threshold or 0.5)",
        why="a threshold of 0 is taken for none",
    ),
    _numpy(
        "nms-positive-scores",
        "NMS",
        {"threshold": 0.5},
        old=SCORES,
        new=SCORES + "\n    left = left[scores[left] > 0]",
        why="boxes of scores that are not positive are left out",
    ),
    _numpy(
        "batched-nms-shifted-by-largest",
        "BatchedNMS",
        {"threshold": 0.5},
        old=SCORES,
        new="boxes = boxes + (labels * (boxes.max(initial=0) + 1)).astype(boxes.dtype)[:, None]\n"
        "    labels = labels * 0\n    " + SCORES,
        why="labels are told apart by shifting boxes by the largest coordinate: negative ones meet",
    ),
    _size(
        "size-heat-128-boxes",
        "CenterHeatmapEncoder",
        {"num_class": 3, "size": (24, 40), "ceil": True},
        old="in zip(boxes, labels, strict=True):",
        new="in zip(boxes[:128], labels[:128], strict=True):",
        why="no more than 128 boxes of an image are looked at",
    ),
    _numpy(
        "heat-label-of-padding",
        "CenterHeatmapEncoder",
        {"num_class": 3, "size": (24, 40), "ceil": True},
        old="if not (width > 0 and height > 0):",
        new="heat[int(label)]\n            if not (width > 0 and height > 0):",
        why="labels of boxes that are left out have to be classes too",
    ),
    _neighbours(
        "batch-heat-one-mask",
        "CenterHeatmapEncoder",
        {"num_class": 3, "size": (24, 40), "ceil": True},
        old="            found = self.encode(boxes[image], labels[image], dtype)\n",
        new="            found = self.encode(boxes[image], labels[image], dtype)\n"
        "            found[1][...] *= 1 - maps[3][:image].max(0, initial=0)\n",
        why="a cell that an image before has a box in has no sides",
    ),
    _numpy(
        "anchor-strides-added-up",
        "AnchorGrid",
        {"sizes": [32], "ratios": [1], "stride": 5.3},
        old="x = (np.arange(width) + self.offset) * self.strides[1]",
        new="step = self.strides[1].astype(np.float32)\n"
        "        x = np.cumsum(np.full(width, step)) - step + self.offset * self.strides[1]",
        why="strides are added up in float32, and errors with them",
    ),
    _numpy(
        "anchor-stride-whole",
        "AnchorGrid",
        {"sizes": [32], "ratios": [1], "stride": 5.3},
        old="np.array(strides, computing)",
        new="np.array(strides, int)",
        why="the stride is a whole number",
    ),
    _size(
        "size-anchor-cells-in-half",
        "AnchorGrid",
        {"sizes": [32], "ratios": [1], "stride": 5.3},
        old="y = (np.arange(height) + self.offset)",
        new="y = (np.arange(height).astype(np.float16).astype(int) + self.offset)",
        why="rows are counted in float16, which cannot count past 2048",
    ),
    _numpy(
        "center-distance-of-clamped",
        "CenterDistance",
        None,
        old="a, b = ((x[..., :2] + x[..., 2:]) / 2 for x in (a, b))",
        new="a, b = (x[..., :2] + np.maximum(x[..., 2:] - x[..., :2], 0) / 2 for x in (a, b))",
        why="the centre of an inverted box is its first corner",
    ),
    _numpy(
        "aligned-nothing-without-overlap",
        "TaskAlignedMetric",
        {"beta": 0.0},
        old="(own**alpha * ious.astype(Wide) ** beta)",
        new="np.where(ious > 0, own**alpha * ious.astype(Wide) ** beta, 0)",
        why="0 to the power of 0 is taken for 0",
    ),
    _numpy(
        "simota-cost-no-class-free",
        "SimOTACost",
        None,
        old="labels, gone.sum(-1, keepdims=True))",
        new="labels, 0)",
        why="the classes cost nothing where a ground truth has none",
    ),
    _size(
        "size-simota-cost-80-classes",
        "SimOTACost",
        None,
        old="of_labels(there + others(gone), labels,",
        new="of_labels(there + others(gone * (np.arange(gone.shape[-1]) < 80)), labels,",
        why="only the first 80 classes cost anything where they are wrong",
    ),
    _numpy(
        "detr-no-class-is-last",
        "DETRCost",
        FOCAL,
        old="labels % x.shape[-1]",
        new="labels % max(1, x.shape[-1] - 1)",
        why="label -1 is taken for the last class",
    ),
    _numpy(
        "detr-gamma-zero-is-none",
        "DETRCost",
        {"kind": "focal", "gamma": 0.0},
        old="for x in (alpha, gamma, eps)",
        new="for x in (alpha, gamma or 2.0, eps)",
        why="an exponent of 0 is taken for none",
    ),
    _neighbours(
        "batch-detr-first-labels",
        "DETRCost",
        FOCAL,
        old="labels = np.asarray(labels).astype(np.int64)[..., None, :]",
        new="labels = np.asarray(labels).astype(np.int64)[..., None, :]\n"
        "    labels = labels[:1] if labels.ndim == 3 else labels",
        why="the first image's labels stand for all",
    ),
    _neighbours(
        "batch-distance-first-boxes",
        "DistanceEncoder",
        None,
        old="right_bottom = (boxes[..., 2:] - points) / sizes",
        new="boxes = np.repeat(boxes[:1], len(boxes), 0) if boxes.ndim == 3 else boxes\n"
        "        right_bottom = (boxes[..., 2:] - points) / sizes",
        why="the first image's boxes stand for all",
    ),
    _size(
        "size-undistance-block",
        "DistanceDecoder",
        None,
        old="high = points + distances[..., 2:] * sizes",
        new="high = points + distances[..., 2:] * sizes\n"
        "        high[..., 4096:, :] = high[..., 4096:, ::-1]",
        why="beyond 4096 points right and bottom are swapped",
    ),
    _size(
        "size-inside-64-boxes",
        "InsideMask",
        None,
        old="low, high = boxes[..., None, :, :2], boxes[..., None, :, 2:]\n    return",
        new="low, high = boxes[..., None, :, :2], boxes[..., None, :, 2:].copy()\n"
        "    high[..., 64:, :] = -np.inf\n    return",
        why="only the first 64 boxes are looked at",
    ),
)
