"""Calls of kornia that no representation tells: those of boxes as objects.

Each has the name and parameters of an operator and does nothing but carry arrays to and fro.
"""

from typing import Any

import torch
from kornia.geometry.boxes import Boxes

__all__ = ["area", "clamp"]

__refkernels_framework__ = "torch"


def area(x: Any) -> Any:
    """Call ``Boxes.compute_area``; as inclusive, boxes have their corners as vertices."""
    return Boxes.from_tensor(x, "xyxy_plus", validate_boxes=False).compute_area()


def clamp(x: Any, size: tuple[int, int]) -> Any:
    """Call ``Boxes.clamp`` for an image of this height and width."""
    corner = torch.tensor([size[::-1]], dtype=x.dtype)
    boxes = Boxes.from_tensor(x, "xyxy_plus", validate_boxes=False)
    return boxes.clamp(torch.zeros_like(corner), corner).to_tensor("xyxy_plus")
