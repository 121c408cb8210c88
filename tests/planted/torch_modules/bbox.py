"""Boxes: modules."""

import torch
from torch import nn


def real(x):
    return x if x.is_floating_point() else x.double()


class BBoxCenterToCorner(nn.Module):
    def __init__(self, axis=-1, split=False):
        super().__init__()
        self.axis = axis
        self.split = split

    def forward(self, x):
        x = real(x)
        middle, sides = x.to(torch.promote_types(x.dtype, torch.float32)).split(2, self.axis)
        half = sides / 2
        boxes = torch.cat([middle - half, middle + half], self.axis).to(x.dtype)
        return boxes.split(1, self.axis) if self.split else boxes


class BBoxArea(nn.Module):
    def __init__(self, axis=-1, fmt="corner"):
        super().__init__()
        self.axis = axis
        self.fmt = fmt

    def forward(self, x):
        x = real(x)
        low, sides = x.to(torch.promote_types(x.dtype, torch.float32)).split(2, self.axis)
        if self.fmt == "corner":
            sides = sides - low
        width, height = sides.relu().split(1, self.axis)
        return (width * height).to(x.dtype)


class BBoxBatchIOU(nn.Module):
    def __init__(self, axis=-1, fmt="corner", offset=0, eps=1e-15):
        super().__init__()
        self.axis = axis
        self.fmt = fmt
        self.offset = offset
        self.eps = eps

    def forward(self, a, b):
        a, b = real(a), real(b)
        dtype = torch.promote_types(a.dtype, b.dtype)
        computing = torch.promote_types(dtype, torch.float32)
        a, b = self.corners(a.to(computing)), self.corners(b.to(computing))
        scale = self.scale(a, b)
        a, b, offset = a * scale, b * scale, self.offset * scale
        eps = torch.tensor(self.eps, dtype=computing) * scale * scale
        low = torch.maximum(a[..., :, None, :2], b[..., None, :, :2])
        high = torch.minimum(a[..., :, None, 2:], b[..., None, :, 2:])
        width, height = (high - low + offset[..., None]).clamp(min=0).unbind(-1)
        inter = width * height
        area_a, area_b = ((x[..., 2:] - x[..., :2] + offset).prod(-1) for x in (a, b))
        union = area_a[..., :, None] + area_b[..., None, :] - inter
        ious = inter / (union + eps)
        return ious.masked_fill(inter == 0, 0).to(dtype)

    def corners(self, x):
        x = x.movedim(self.axis, -1)
        if self.fmt == "center":
            half = x[..., 2:] / 2
            x = torch.cat([x[..., :2] - half, x[..., :2] + half], -1)
        return x

    def scale(self, a, b):
        """Return a power of two for each image that brings coordinates far from 1 near to it."""
        largest = a.new_full((1, 1), abs(self.offset))
        for x in (a, b):
            if x.numel():
                largest = torch.maximum(largest, x.abs().amax((-2, -1), keepdim=True))
        exponent = torch.frexp(largest).exponent
        return torch.ldexp(torch.ones_like(largest), -exponent * (exponent.abs() > 30))
