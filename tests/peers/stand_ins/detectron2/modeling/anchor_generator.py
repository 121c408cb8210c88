"""Anchors on a grid (Ren et al. 2015, section 3.1.1)."""

import torch

from detectron2.structures.boxes import Boxes


class DefaultAnchorGenerator:
    """Anchors of each size and ratio, height by width, around the cells of feature maps.

    The first centre is ``offset`` strides from the corner of the image.
    """

    def __init__(self, *, sizes, aspect_ratios, strides, offset=0.5):
        if not 0 <= offset < 1:
            raise ValueError("expected an offset in [0, 1)")
        self.sizes, self.aspect_ratios = sizes, aspect_ratios
        self.strides, self.offset = strides, offset

    def __call__(self, features):
        """Return the anchors of each feature map (..., H, W)."""
        levels = zip(features, self.sizes, self.aspect_ratios, self.strides, strict=True)
        return [self._level(*own) for own in levels]

    def _level(self, feature, sizes, ratios, stride):
        height, width = feature.shape[-2:]
        cell = self.generate_cell_anchors(sizes, ratios)
        x, y = (
            (torch.arange(n, dtype=torch.float64) + self.offset) * stride for n in (width, height)
        )
        rows, columns = torch.meshgrid(y, x, indexing="ij")
        centers = torch.stack([columns, rows, columns, rows], -1).reshape(-1, 1, 4)
        return Boxes((centers + cell).reshape(-1, 4))

    def generate_cell_anchors(self, sizes, aspect_ratios):
        """Return anchors around (0, 0), by size and then by ratio."""
        found = []
        for size in sizes:
            for ratio in aspect_ratios:
                width, height = size / ratio**0.5, size * ratio**0.5
                found.append([-width / 2, -height / 2, width / 2, height / 2])
        return torch.tensor(found, dtype=torch.float64)
