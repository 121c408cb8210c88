"""Boxes (x1, y1, x2, y2) in single precision, and how they overlap."""

import torch


class Boxes:
    """A list of boxes as an N x 4 float matrix."""

    def __init__(self, tensor):
        self.tensor = torch.as_tensor(tensor).to(torch.float32).reshape(-1, 4)

    def __len__(self):
        return len(self.tensor)

    def area(self):
        """Return the area of each."""
        width, height = self._sides()
        return width * height

    def clip(self, box_size):
        """Clip x to [0, width] and y to [0, height], in place."""
        height, width = box_size
        for column, limit in enumerate((width, height, width, height)):
            self.tensor[:, column].clamp_(0, limit)

    def _sides(self):
        low, high = self.tensor.split(2, dim=1)
        return (high - low).unbind(1)


def pairwise_intersection(boxes1, boxes2):
    """Return the area of the intersection of each pair."""
    rows, columns = boxes1.tensor[:, None], boxes2.tensor[None]
    low = torch.maximum(rows[..., :2], columns[..., :2])
    high = torch.minimum(rows[..., 2:], columns[..., 2:])
    width, height = (high - low).clamp(min=0).unbind(-1)
    return width * height


def pairwise_iou(boxes1, boxes2):
    """Return the intersection over the union of each pair; 0 for empty boxes."""
    inter = pairwise_intersection(boxes1, boxes2)
    union = boxes1.area()[:, None] + boxes2.area()[None] - inter
    return _quotient(inter, union)


def pairwise_ioa(boxes1, boxes2):
    """Return the intersection over the area of the second of each pair; 0 for empty boxes."""
    inter = pairwise_intersection(boxes1, boxes2)
    return _quotient(inter, boxes2.area()[None].expand_as(inter))


def _quotient(inter, area):
    return torch.where(inter > 0, inter / area, torch.zeros_like(inter))
