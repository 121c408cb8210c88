"""Overlaps of boxes: functions of arrays and keywords."""

import numpy as np

# Areas and squares of what a double holds, large or small, are numbers there.
Wide = np.longdouble


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def corners(x, axis, fmt):
    """Return xmin, ymin, xmax and ymax."""
    x = np.moveaxis(real(x).astype(Wide), axis, -1)
    if fmt == "center":
        half = x[..., 2:] / 2
        x = np.concatenate([x[..., :2] - half, x[..., :2] + half], -1)
    return x


class Pairs:
    """Every box of a beside every box of b: widths and heights on the last axis."""

    def __init__(self, a, b, axis, fmt, offset=0.0):
        self.dtype = np.result_type(real(a), real(b))
        self.a = corners(a, axis, fmt)[..., :, None, :]
        self.b = corners(b, axis, fmt)[..., None, :, :]
        offset = np.result_type(self.dtype, np.float32).type(offset)
        self.sides_a = self.a[..., 2:] - self.a[..., :2] + offset
        self.sides_b = self.b[..., 2:] - self.b[..., :2] + offset
        low = np.maximum(self.a[..., :2], self.b[..., :2])
        high = np.minimum(self.a[..., 2:], self.b[..., 2:])
        self.inter = np.maximum(high - low + offset, 0).prod(-1)

    def areas(self):
        return np.maximum(self.sides_a, 0).prod(-1), np.maximum(self.sides_b, 0).prod(-1)

    def union(self):
        area_a, area_b = self.areas()
        return area_a + area_b - self.inter

    def iou(self):
        return quotient(self.inter, self.union())

    def hull(self):
        """Return the sides of the smallest box around all corners, in whichever order."""
        a, b = (x.reshape(*x.shape[:-1], 2, 2) for x in (self.a, self.b))
        low = np.minimum(a.min(-2), b.min(-2))
        high = np.maximum(a.max(-2), b.max(-2))
        return high - low


def quotient(part, whole):
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def BBoxBatchIOA(a, b, axis=-1, fmt="corner", offset=0.0):
    pairs = Pairs(a, b, axis, fmt, offset)
    area = np.broadcast_to(pairs.areas()[0], pairs.inter.shape)
    return quotient(pairs.inter, area).astype(pairs.dtype)


def BBoxBatchGIOU(a, b, axis=-1, fmt="corner"):
    pairs = Pairs(a, b, axis, fmt)
    area = pairs.hull().prod(-1)
    missed = quotient(area - pairs.union(), area)
    return (pairs.iou() - missed).astype(pairs.dtype)


def BBoxBatchDIOU(a, b, axis=-1, fmt="corner"):
    pairs = Pairs(a, b, axis, fmt)
    return (pairs.iou() - distance(pairs)).astype(pairs.dtype)


def distance(pairs):
    """Return the squared distance of the centres in squared diagonals of the box around both."""
    apart = ((pairs.a[..., :2] + pairs.a[..., 2:]) - (pairs.b[..., :2] + pairs.b[..., 2:])) / 2
    diagonal = (pairs.hull() ** 2).sum(-1)
    return quotient((apart**2).sum(-1), diagonal)


def BBoxBatchCIOU(a, b, axis=-1, fmt="corner"):
    pairs = Pairs(a, b, axis, fmt)
    iou = pairs.iou()
    v = 4 / Wide(np.pi) ** 2 * (angle(pairs.sides_a) - angle(pairs.sides_b)) ** 2
    alpha = quotient(v, 1 - iou + v)
    return (iou - distance(pairs) - alpha * v).astype(pairs.dtype)


def angle(sides):
    width, height = np.moveaxis(np.maximum(sides, 0), -1, 0)
    return np.arctan2(width, height)
