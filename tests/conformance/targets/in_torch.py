"""Operators as somebody would write them in PyTorch; one of them is wrong."""

import torch


class BBoxArea:
    def __init__(self, axis=-1, fmt="corner"):
        self.axis, self.fmt = axis, fmt

    def __call__(self, boxes):
        first, second, third, fourth = wide(boxes).split(1, self.axis)
        if self.fmt == "corner":
            third, fourth = third - first, fourth - second
        # A side may overflow, and infinity times 0 would be nan.
        area = torch.where((third > 0) & (fourth > 0), third * fourth, 0)
        return area.to(real(boxes))


class MaximumMatcher(torch.nn.Module):
    """A module; it matches at the threshold, as it must."""

    def __init__(self, threshold):
        super().__init__()
        self.threshold = threshold

    def forward(self, ious):
        if not ious.shape[-1]:
            return torch.full(ious.shape[:-1], -1)
        ious = ious.to(real(ious))  # a threshold of an integer dtype would be another one
        best, match = ious.max(-1)
        match = (ious == best[..., None]).to(torch.int8).argmax(-1)
        threshold = torch.tensor(self.threshold, dtype=ious.dtype)
        return torch.where(best >= threshold, match, -1)


def NaiveSampler(matches):
    """Forgets that object 0 is a match too."""
    return torch.where(matches > 0, 1, -1)


def wide(x):
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x.to(real(x))


def real(x):
    return x.dtype if x.dtype.is_floating_point else torch.float64
