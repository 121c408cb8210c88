"""Suppression of boxes by better ones: functions of arrays and a threshold."""

import numpy as np


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def NMS(boxes, scores, threshold):
    return BatchedNMS(boxes, scores, np.zeros(len(scores), int), threshold)


def BatchedNMS(boxes, scores, labels, threshold):
    boxes, scores, labels = real(boxes), real(scores), np.asarray(labels)
    threshold = np.longdouble(boxes.dtype.type(threshold))
    boxes = boxes.astype(np.longdouble)
    left = np.argsort(-scores, kind="stable")
    kept = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        near = touching(boxes[best], boxes[left]) & (labels[left] == labels[best])
        if near.any():
            too_near = np.zeros(left.size, bool)
            too_near[near] = iou(boxes[best], boxes[left[near]]) > threshold
            left = left[~too_near]
    return np.array(kept, np.int64)


def touching(box, others):
    """Return which of the others may share an area with a box."""
    x = (others[:, 0] < box[2]) & (box[0] < others[:, 2])
    return x & (others[:, 1] < box[3]) & (box[1] < others[:, 3])


def iou(box, others):
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    inter = np.maximum(high - low, 0).prod(-1)
    area = (box[2:] - box[:2]).prod()
    areas = (others[:, 2:] - others[:, :2]).prod(-1)
    return np.where(inter > 0, inter / (area + areas - inter), 0)
