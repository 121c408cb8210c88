"""Costs and metrics of pairs: functions of arrays and keywords."""

import numpy as np

# Powers, squares and products of what a double holds are numbers there.
Wide = np.longdouble


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def corners(x, fmt):
    if fmt == "center":
        half = x[..., 2:] / 2
        return np.concatenate([x[..., :2] - half, x[..., :2] + half], -1)
    return x


def CenterDistance(a, b, axis=-1, fmt="corner"):
    dtype = np.result_type(real(a), real(b))
    a, b = (np.moveaxis(real(x).astype(Wide), axis, -1) for x in (a, b))
    if fmt == "corner":
        a, b = ((x[..., :2] + x[..., 2:]) / 2 for x in (a, b))
    apart = a[..., :, None, :2] - b[..., None, :, :2]
    return np.sqrt((apart**2).sum(-1)).astype(dtype)


def InsideMask(points, boxes, margin=0.0, fmt="corner"):
    points, boxes = real(points), real(boxes)
    margin = np.result_type(points, boxes).type(margin)
    points, boxes = points.astype(Wide)[..., :, None, :], corners(boxes.astype(Wide), fmt)
    low, high = boxes[..., None, :, :2], boxes[..., None, :, 2:]
    return (points - low > margin).all(-1) & (high - points > margin).all(-1)


def of_labels(x, labels, nothing):
    """Return of each row what it has for each label, and for -1 what stands for nothing."""
    nothing = np.broadcast_to(nothing, (*x.shape[:-1], 1))
    x = np.concatenate([x, nothing.astype(x.dtype)], -1)
    labels = np.asarray(labels).astype(np.int64)[..., None, :]
    shape = np.broadcast_shapes(x.shape[:-2], labels.shape[:-2])
    x = np.broadcast_to(x, (*shape, *x.shape[-2:]))
    labels = np.broadcast_to(labels, (*shape, x.shape[-2], labels.shape[-1]))
    return np.take_along_axis(x, labels % x.shape[-1], -1)


def TaskAlignedMetric(scores, labels, ious, alpha=1.0, beta=6.0):
    scores, ious = real(scores), real(ious)
    dtype = np.result_type(scores, ious)
    computing = np.result_type(dtype, np.float32)
    alpha, beta = Wide(computing.type(alpha)), Wide(computing.type(beta))
    own = of_labels(scores.astype(Wide), labels, 0)
    return (own**alpha * ious.astype(Wide) ** beta).astype(dtype)


def SimOTACost(scores, labels, ious, inside, iou_weight=3.0, eps=1e-8, penalty=1e5):
    scores, ious = real(scores), real(ious)
    dtype = np.result_type(scores, ious)
    computing = np.result_type(dtype, np.float32)
    iou_weight, eps, penalty = (Wide(computing.type(x)) for x in (iou_weight, eps, penalty))
    scores = scores.astype(Wide)
    there = -np.maximum(np.log(scores), -100)
    gone = -np.maximum(np.log1p(-scores), -100)
    entropy = of_labels(there + others(gone), labels, gone.sum(-1, keepdims=True))
    cost = entropy - iou_weight * np.log(ious.astype(Wide) + eps)
    return (cost + np.where(inside, 0, penalty)).astype(dtype)


def others(x):
    """Return for each class the sum of the others, which is no difference."""
    before, after = x.cumsum(-1), x[..., ::-1].cumsum(-1)[..., ::-1]
    zero = np.zeros_like(x[..., :1])
    return np.concatenate([zero, before[..., :-1]], -1) + np.concatenate([after[..., 1:], zero], -1)


def DETRCost(
    logits,
    boxes,
    labels,
    truths,
    class_weight=1.0,
    l1_weight=5.0,
    giou_weight=2.0,
    kind="softmax",
    alpha=0.25,
    gamma=2.0,
    eps=1e-8,
):
    given = [real(x) for x in (logits, boxes, truths)]
    dtype = np.result_type(*given)
    computing = np.result_type(dtype, np.float32)
    weights = [Wide(computing.type(x)) for x in (class_weight, l1_weight, giou_weight)]
    logits, boxes, truths = (x.astype(Wide) for x in given)
    if kind == "softmax":
        odds = np.exp(logits - logits.max(-1, keepdims=True, initial=-np.inf))
        classes = -odds / odds.sum(-1, keepdims=True)
    else:
        classes = focal(logits, *(Wide(computing.type(x)) for x in (alpha, gamma, eps)))
    boxes, truths = boxes[..., :, None, :], truths[..., None, :, :]
    apart = np.abs(boxes - truths).sum(-1)
    parts = of_labels(classes, labels, 0), apart, -giou(boxes, truths)
    return sum(weight * part for weight, part in zip(weights, parts, strict=True)).astype(dtype)


def focal(logits, alpha, gamma, eps):
    p, rest = 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(logits))
    positive = -alpha * rest**gamma * np.log(p + eps)
    negative = -(1 - alpha) * p**gamma * np.log(rest + eps)
    return positive - negative


def giou(a, b):
    a, b = corners(a, "center"), corners(b, "center")
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    inter = np.maximum(high - low, 0).prod(-1)
    area_a, area_b = (np.maximum(x[..., 2:] - x[..., :2], 0).prod(-1) for x in (a, b))
    union = area_a + area_b - inter
    a, b = (x.reshape(*x.shape[:-1], 2, 2) for x in (a, b))
    hull = (np.maximum(a.max(-2), b.max(-2)) - np.minimum(a.min(-2), b.min(-2))).prod(-1)
    return divided(inter, union) - divided(hull - union, hull)


def divided(part, whole):
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
