"""Deltas that make one box of another (Girshick et al. 2014, appendix C; Tian et al. 2019)."""

import math

import torch

# What makes 1000 pixels of 16.
SCALE_CLAMP = math.log(1000 / 16)


def _centers(boxes):
    low, high = boxes[..., :2], boxes[..., 2:]
    return low + (high - low) / 2, high - low


class Box2BoxTransform:
    """Deltas (dx, dy, dw, dh): shifts in sides of the source, and logarithms of scales.

    They are multiplied by ``weights``; scales that are predicted are clamped by ``scale_clamp``.
    """

    def __init__(self, weights, scale_clamp=SCALE_CLAMP):
        self.weights, self.scale_clamp = weights, scale_clamp

    def get_deltas(self, src_boxes, target_boxes):
        """Return the deltas that make targets of sources."""
        center, sides = _centers(src_boxes)
        target, target_sides = _centers(target_boxes)
        shifts, scales = (target - center) / sides, torch.log(target_sides / sides)
        return torch.cat([shifts, scales], -1) * src_boxes.new_tensor(self.weights)

    def apply_deltas(self, deltas, boxes):
        """Return the boxes that deltas (N, 4k) make of boxes (N, 4), in single precision."""
        own = deltas.float().reshape(len(deltas), -1, 4)
        center, sides = _centers(boxes.float()[:, None])
        dx, dy, dw, dh = (own / own.new_tensor(self.weights)).unbind(-1)
        moved = center + torch.stack([dx, dy], -1) * sides
        scales = torch.stack([dw, dh], -1).clamp(max=self.scale_clamp)
        half = torch.exp(scales) * sides / 2
        return torch.cat([moved - half, moved + half], -1).reshape(deltas.shape)


class Box2BoxTransformLinear:
    """Distances from the centre of a square source to the four edges of the target."""

    def __init__(self, normalize_by_size=True):
        self.normalize_by_size = normalize_by_size

    def get_deltas(self, src_boxes, target_boxes):
        """Return the distances, in sides of the source if they are normalised."""
        center, sides = _centers(src_boxes)
        deltas = torch.cat([center - target_boxes[:, :2], target_boxes[:, 2:] - center], -1)
        return deltas / torch.cat([sides, sides], -1) if self.normalize_by_size else deltas

    def apply_deltas(self, deltas, boxes):
        """Return the boxes of distances, which are clamped to 0 so that boxes are valid."""
        center, sides = _centers(boxes)
        own = deltas.clamp(min=0)
        if self.normalize_by_size:
            own = own * torch.cat([sides, sides], -1)
        return torch.cat([center - own[:, :2], center + own[:, 2:]], -1)
