"""Boxes: functions of tensors and keywords."""

import torch


def real(x):
    return x if x.is_floating_point() else x.double()


def wide(x):
    return x.float() if x.dtype in (torch.half, torch.bfloat16) else x


def columns(x, axis):
    return x.split(1, axis)


def BBoxCornerToCenter(x, axis=-1, split=False):
    x = real(x)
    xmin, ymin, xmax, ymax = columns(wide(x), axis)
    width, height = xmax - xmin, ymax - ymin
    parts = [xmin + width * 0.5, ymin + height * 0.5, width, height]
    parts = [part.to(x.dtype) for part in parts]
    return tuple(parts) if split else torch.cat(parts, axis)


def BBoxCenterToCorner(x, axis=-1, split=False):
    x = real(x)
    cx, cy, width, height = columns(wide(x), axis)
    half_width, half_height = width * 0.5, height * 0.5
    parts = [cx - half_width, cy - half_height, cx + half_width, cy + half_height]
    parts = [part.to(x.dtype) for part in parts]
    return tuple(parts) if split else torch.cat(parts, axis)


def BBoxSplit(x, axis, squeeze_axis=False):
    parts = columns(real(x), axis)
    return tuple(part.squeeze(axis) if squeeze_axis else part for part in parts)


def BBoxArea(x, axis=-1, fmt="corner"):
    x = real(x)
    first, second, width, height = columns(wide(x), axis)
    if fmt == "corner":
        width, height = width - first, height - second
    return (width.clamp(min=0) * height.clamp(min=0)).to(x.dtype)


def BBoxBatchIOU(a, b, axis=-1, fmt="corner", offset=0.0, eps=1e-15):
    a, b = real(a), real(b)
    dtype = torch.promote_types(a.dtype, b.dtype)
    computing = torch.promote_types(dtype, torch.float32)
    a, b = (corners(x.to(computing), axis, fmt) for x in (a, b))
    offset, eps = (torch.tensor(x, dtype=computing, device=a.device) for x in (offset, eps))
    # In units of the largest coordinate, so that no area overflows or vanishes.
    scale = power(a, b, offset)
    a, b, offset, eps = a * scale, b * scale, offset * scale, eps * scale * scale

    def area(x):
        width, height = (x[..., 2:] - x[..., :2] + offset).unbind(-1)
        return width * height

    low = torch.maximum(a[..., :, None, :2], b[..., None, :, :2])
    high = torch.minimum(a[..., :, None, 2:], b[..., None, :, 2:])
    sides = (high - low + offset[..., None]).clamp(min=0)
    inter = sides[..., 0] * sides[..., 1]
    union = area(a)[..., :, None] + area(b)[..., None, :] - inter
    return torch.where(inter > 0, inter / (union + eps), 0.0).to(dtype)


def corners(x, axis, fmt):
    first, second, third, fourth = x.unbind(axis)
    if fmt == "center":
        half_width, half_height = third * 0.5, fourth * 0.5
        third, fourth = first + half_width, second + half_height
        first, second = first - half_width, second - half_height
    return torch.stack([first, second, third, fourth], -1)


def power(a, b, offset):
    """Return a power of two for each image that brings coordinates far from 1 near to it."""
    for x in (a, b):
        if x.numel():
            offset = torch.maximum(offset.abs(), x.abs().amax((-2, -1), keepdim=True))
    exponent = torch.frexp(offset).exponent
    return torch.ldexp(torch.ones_like(offset), -exponent * (exponent.abs() > 30))


def BBoxClipToImage(x, img):
    x = real(x)
    height, width = img.shape[-2:]
    xmin, ymin, xmax, ymax = wide(x).unbind(-1)
    parts = [
        xmin.clamp(0, width),
        ymin.clamp(0, height),
        xmax.clamp(0, width),
        ymax.clamp(0, height),
    ]
    return torch.stack(parts, -1).to(x.dtype)
