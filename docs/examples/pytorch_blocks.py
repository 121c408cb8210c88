"""Blocks of a detector in PyTorch, of which one has a mistake: refkernels check pytorch_blocks."""

import torch
from torch import nn


class BBoxBatchIOU(nn.Module):
    """The IoU of every pair of an anchor and a ground truth."""

    def __init__(self, eps: float = 1e-15) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Take corner boxes, (..., N, 4) and (..., M, 4); return (..., N, M)."""
        a, b = a[..., :, None, :], b[..., None, :, :]
        low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
        inter = (high - low).clamp(min=0).prod(-1)
        areas = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
        return inter / (areas - inter + self.eps)


class MaximumMatcher(nn.Module):
    """For each anchor the ground truth of largest IoU, or -1 where that is below a threshold."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Take IoUs, (..., N, M); return (..., N)."""
        best, match = x.max(-1)
        return torch.where(best >= self.threshold, match, -1)
