"""Mistakes of costs and metrics."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="config")
_neighbours = partial(Planted, style="numpy", kind="neighbours")

FOCAL = {"kind": "focal", "gamma": 1.5, "alpha": 0.3}
ULTRALYTICS = {"alpha": 0.5, "beta": 6.0}
LABELS = "labels = np.asarray(labels).astype(np.int64)[..., None, :]\n"

PLANTED = (
    _numpy(
        "center-distance-manhattan",
        "CenterDistance",
        None,
        old="np.sqrt((apart**2).sum(-1))",
        new="np.abs(apart).sum(-1)",
        why="distances along both axes are added up",
    ),
    _numpy(
        "center-distance-squared",
        "CenterDistance",
        None,
        old="np.sqrt((apart**2).sum(-1))",
        new="(apart**2).sum(-1)",
        why="distances are left squared",
    ),
    _numpy(
        "center-distance-in-half",
        "CenterDistance",
        {"fmt": "center"},
        old="apart = a[..., :, None, :2] - b[..., None, :, :2]",
        new="apart = (a[..., :, None, :2] - b[..., None, :, :2]).astype(dtype)",
        why="squares are computed in float16, which ends at 255",
    ),
    _numpy(
        "center-distance-by-matrices",
        "CenterDistance",
        {"fmt": "center"},
        old="return np.sqrt((apart**2).sum(-1)).astype(dtype)",
        new="a, b = a[..., :2].astype(dtype), b[..., :2].astype(dtype)\n"
        "    products = (a * a).sum(-1)[..., :, None] - 2 * (a @ b.swapaxes(-1, -2))\n"
        "    squares = products + (b * b).sum(-1)[..., None, :]\n"
        "    return np.sqrt(np.maximum(squares, 0)).astype(dtype)",
        why="squares are differences of larger ones, which costs digits",
    ),
    _numpy(
        "inside-at-the-far-side",
        "InsideMask",
        None,
        old="(high - points > margin).all(-1)",
        new="(high - points >= margin).all(-1)",
        why="a point on the right or lower side is inside",
    ),
    _numpy(
        "inside-margin-one-sided",
        "InsideMask",
        {"margin": 0.01},
        old="(points - low > margin).all(-1)",
        new="(points - low > 0).all(-1)",
        why="the left and upper sides have no margin",
    ),
    _numpy(
        "inside-margin-in-double",
        "InsideMask",
        {"margin": 0.01},
        old="margin = np.result_type(points, boxes).type(margin)",
        new="margin = np.longdouble(margin)",
        why="the margin is not rounded to the boxes' dtype",
    ),
    _numpy(
        "inside-whole-sides",
        "InsideMask",
        {"fmt": "center"},
        old="half = x[..., 2:] / 2",
        new="half = x[..., 2:]",
        why="boxes are twice as wide and high",
    ),
    _numpy(
        "aligned-exponents-swapped",
        "TaskAlignedMetric",
        ULTRALYTICS,
        old="own**alpha * ious.astype(Wide) ** beta",
        new="own**beta * ious.astype(Wide) ** alpha",
        why="the exponents are swapped",
    ),
    _numpy(
        "aligned-no-class-is-last",
        "TaskAlignedMetric",
        ULTRALYTICS,
        old="labels % x.shape[-1]",
        new="labels % max(1, x.shape[-1] - 1)",
        why="label -1 is taken for the last class",
    ),
    _numpy(
        "aligned-alpha-zero-is-one",
        "TaskAlignedMetric",
        {"alpha": 0.0},
        old="alpha, beta = Wide(computing.type(alpha))",
        new="alpha, beta = Wide(computing.type(alpha or 1))",
        why="an exponent of 0 is taken for none",
    ),
    _numpy(
        "aligned-power-in-half",
        "TaskAlignedMetric",
        ULTRALYTICS,
        old="own**alpha * ious.astype(Wide) ** beta",
        new="own**alpha * (ious.astype(Wide) ** beta).astype(dtype)",
        why="the power of an IoU is rounded to float16, of which it has few digits",
    ),
    _neighbours(
        "batch-aligned-first-labels",
        "TaskAlignedMetric",
        ULTRALYTICS,
        old=LABELS,
        new=LABELS + "    labels = labels[:1] if labels.ndim == 3 else labels\n",
        why="the first image's labels stand for all",
    ),
    _numpy(
        "simota-cost-of-own-class",
        "SimOTACost",
        None,
        old="of_labels(there + others(gone), labels, gone.sum(-1, keepdims=True))",
        new="of_labels(there, labels, 0)",
        why="the other classes cost nothing",
    ),
    _numpy(
        "simota-cost-without-eps",
        "SimOTACost",
        None,
        old="np.log(ious.astype(Wide) + eps)",
        new="np.log(ious.astype(Wide))",
        why="an IoU of 0 costs infinity",
    ),
    _numpy(
        "simota-cost-eps-as-a-floor",
        "SimOTACost",
        {"eps": 0.01},
        old="np.log(ious.astype(Wide) + eps)",
        new="np.log(np.maximum(ious.astype(Wide), eps))",
        why="eps is the least IoU, and is not added",
    ),
    _numpy(
        "simota-cost-no-penalty",
        "SimOTACost",
        {"penalty": 0.0},
        old="np.where(inside, 0, penalty)",
        new="np.where(inside, 0, penalty or 1e5)",
        why="a penalty of 0 is taken for none",
    ),
    _numpy(
        "simota-cost-not-limited",
        "SimOTACost",
        None,
        old="gone = -np.maximum(np.log1p(-scores), -100)",
        new="gone = -np.log1p(-scores)",
        why="a score of 1 of another class costs infinity",
    ),
    _numpy(
        "simota-cost-scores-cut",
        "SimOTACost",
        None,
        old="there = -np.maximum(np.log(scores), -100)",
        new="scores = np.clip(scores, 1e-7, 1 - 1e-7)\n"
        "    there = -np.maximum(np.log(scores), -100)",
        why="scores are kept a ten-millionth away from 0 and 1",
    ),
    _numpy(
        "detr-log-softmax",
        "DETRCost",
        None,
        old="classes = -odds / odds.sum(-1, keepdims=True)",
        new="classes = -np.log(odds / odds.sum(-1, keepdims=True))",
        why="a class costs the logarithm of its probability, as in the loss",
    ),
    _numpy(
        "detr-mean-l1",
        "DETRCost",
        {"kind": "softmax"},
        old="np.abs(boxes - truths).sum(-1)",
        new="np.abs(boxes - truths).mean(-1)",
        why="the L1 distance is a mean",
    ),
    _numpy(
        "detr-l1-of-corners",
        "DETRCost",
        {"kind": "softmax"},
        old="apart = np.abs(boxes - truths).sum(-1)",
        new='apart = np.abs(corners(boxes, "center") - corners(truths, "center")).sum(-1)',
        why="the L1 distance is one of corners",
    ),
    _numpy(
        "detr-softmax-overflows",
        "DETRCost",
        {"kind": "softmax"},
        old="odds = np.exp(logits - logits.max(-1, keepdims=True, initial=-np.inf))",
        new="odds = np.exp(logits.astype(computing)).astype(Wide)",
        why="large logits make infinity, and nan of it",
    ),
    _neighbours(
        "batch-detr-one-maximum",
        "DETRCost",
        {"kind": "softmax"},
        old="odds = np.exp(logits - logits.max(-1, keepdims=True, initial=-np.inf))",
        new="odds = np.exp((logits - logits.max(initial=-np.inf)).astype(computing)).astype(Wide)",
        why="softmax is made stable by the largest logit of the batch: lower rows vanish",
    ),
    _numpy(
        "detr-focal-of-positives",
        "DETRCost",
        FOCAL,
        old="return positive - negative",
        new="return positive",
        why="what a negative would cost is not taken off",
    ),
    _numpy(
        "detr-focal-one-alpha",
        "DETRCost",
        FOCAL,
        old="negative = -(1 - alpha) *",
        new="negative = -alpha *",
        why="negatives are weighted as positives",
    ),
    _numpy(
        "detr-focal-squared",
        "DETRCost",
        FOCAL,
        old="p**gamma * np.log(rest + eps)",
        new="p**2 * np.log(rest + eps)",
        why="gamma is always 2 for negatives",
    ),
    _numpy(
        "detr-focal-rest",
        "DETRCost",
        FOCAL,
        old="1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(logits))",
        new="1 / (1 + np.exp(-logits.astype(np.float32))), 0\n    rest = 1 - p",
        why="the probability of no object is a difference in float32, which loses its digits",
    ),
    _numpy(
        "detr-inverted-hull",
        "DETRCost",
        FOCAL,
        old="np.minimum(a.min(-2), b.min(-2))",
        new="np.minimum(a[..., 0, :], b[..., 0, :])",
        why="of a box with negative sides one corner is outside of the enclosing box",
    ),
)
