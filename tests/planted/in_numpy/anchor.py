"""Anchors: a class that is built with its parameters."""

import numpy as np


class AnchorGrid:
    def __init__(
        self, sizes, ratios, stride, offset=0.5, rounded=False, order="ratio", dtype="float32"
    ):
        self.dtype = np.dtype(dtype)
        computing = np.result_type(self.dtype, np.float32)
        strides = stride if isinstance(stride, (tuple, list)) else (stride, stride)
        self.strides = np.array(strides, computing).astype(np.longdouble)
        self.offset = np.longdouble(computing.type(offset))
        sizes = np.array(sizes, computing).astype(np.longdouble)
        roots = np.sqrt(np.array(ratios, computing).astype(np.longdouble))
        sizes, roots = sizes[None, :], roots[:, None]
        if order == "size":
            sizes, roots = sizes.T, roots.T
        half = np.stack([sizes / roots / 2, sizes * roots / 2], -1).reshape(-1, 2)
        self.half = np.round(half) if rounded else half

    def __call__(self, height, width):
        y = (np.arange(height) + self.offset) * self.strides[0]
        x = (np.arange(width) + self.offset) * self.strides[1]
        centers = np.stack(np.meshgrid(x, y), -1)[:, :, None]
        anchors = np.concatenate([centers - self.half, centers + self.half], -1)
        return anchors.reshape(-1, 4).astype(self.dtype)
