"""Boxes: functions of arrays and keywords."""

import numpy as np


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def wide(x):
    return x.astype(np.float32) if x.dtype == np.float16 else x


def BBoxCornerToCenter(x, axis=-1, split=False):
    x = real(x)
    xmin, ymin, xmax, ymax = np.split(wide(x), 4, axis)
    width, height = xmax - xmin, ymax - ymin
    parts = [xmin + width * 0.5, ymin + height * 0.5, width, height]
    parts = [part.astype(x.dtype) for part in parts]
    return tuple(parts) if split else np.concatenate(parts, axis)


NumPyBBoxCornerToCenter = BBoxCornerToCenter


def BBoxCenterToCorner(x, axis=-1, split=False):
    x = real(x)
    cx, cy, width, height = np.split(wide(x), 4, axis)
    half_width, half_height = width * 0.5, height * 0.5
    parts = [cx - half_width, cy - half_height, cx + half_width, cy + half_height]
    parts = [part.astype(x.dtype) for part in parts]
    return tuple(parts) if split else np.concatenate(parts, axis)


def BBoxSplit(x, axis, squeeze_axis=False):
    parts = np.split(real(x), 4, axis)
    if squeeze_axis:
        parts = [np.squeeze(part, axis) for part in parts]
    return tuple(parts)


def BBoxArea(x, axis=-1, fmt="corner"):
    x = real(x)
    first, second, width, height = np.split(wide(x), 4, axis)
    if fmt == "corner":
        width, height = width - first, height - second
    return (np.maximum(width, 0) * np.maximum(height, 0)).astype(x.dtype)


def BBoxBatchIOU(a, b, axis=-1, fmt="corner", offset=0.0, eps=1e-15):
    a, b = real(a), real(b)
    dtype = np.result_type(a, b)
    computing = np.result_type(dtype, np.float32)
    a, b = (corners(x.astype(computing), axis, fmt) for x in (a, b))
    offset, eps = computing.type(offset), computing.type(eps)
    # In units of the largest coordinate, so that no area overflows or vanishes.
    scale = power(a, b, offset)
    a, b, offset, eps = a * scale, b * scale, offset * scale, eps * scale * scale

    def area(x):
        return (x[..., 2] - x[..., 0] + offset[..., 0]) * (x[..., 3] - x[..., 1] + offset[..., 0])

    low = np.maximum(a[..., :, None, :2], b[..., None, :, :2])
    high = np.minimum(a[..., :, None, 2:], b[..., None, :, 2:])
    sides = np.maximum(high - low + offset[..., None], 0)
    inter = sides[..., 0] * sides[..., 1]
    union = area(a)[..., :, None] + area(b)[..., None, :] - inter
    return np.where(inter > 0, inter / (union + eps), 0).astype(dtype)


def corners(x, axis, fmt):
    first, second, third, fourth = np.moveaxis(x, axis, 0)
    if fmt == "center":
        half_width, half_height = third * 0.5, fourth * 0.5
        third, fourth = first + half_width, second + half_height
        first, second = first - half_width, second - half_height
    return np.stack([first, second, third, fourth], -1)


def power(a, b, offset):
    """Return a power of two for each image that brings coordinates far from 1 near to it."""
    largest = [np.abs(x).max((-2, -1), keepdims=True, initial=0) for x in (a, b)]
    exponent = np.frexp(np.maximum(np.maximum(*largest), np.abs(offset)))[1]
    return np.ldexp(a.dtype.type(1), np.where(np.abs(exponent) > 30, -exponent, 0))


def BBoxClipToImage(x, img, sizes=None):
    x = real(x)
    height, width = img.shape[-2:]
    if sizes is not None:
        height, width = np.moveaxis(wide(real(sizes)).reshape(-1, 2), -1, 0)
        if x.ndim == 3:
            height, width = height[:, None, None], width[:, None, None]
    xmin, ymin, xmax, ymax = np.split(wide(x), 4, -1)
    parts = [
        np.clip(xmin, 0, width),
        np.clip(ymin, 0, height),
        np.clip(xmax, 0, width),
        np.clip(ymax, 0, height),
    ]
    return np.concatenate(parts, -1).astype(x.dtype)
