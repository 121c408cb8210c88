"""Matchers: modules that own their thresholds."""

import torch
from torch import nn


def real(x):
    return x if x.is_floating_point() else x.double()


def first_argmax(x):
    return (x == x.amax(-1, keepdim=True)).byte().argmax(-1)


class MaximumMatcher(nn.Module):
    def __init__(self, threshold):
        super().__init__()
        self.register_buffer("threshold", torch.tensor(threshold, dtype=torch.double))

    def forward(self, x):
        x = real(x)
        if not x.shape[-1]:
            return x.new_full(x.shape[:-1], -1, dtype=torch.long)
        match = first_argmax(x)
        match[x.amax(-1) < self.threshold.to(x.dtype)] = -1
        return match


class BipartiteMatcher(nn.Module):
    def __init__(self, threshold=1e-12, is_ascend=False, eps=1e-12, share_max=True):
        super().__init__()
        self.register_buffer("threshold", torch.tensor(threshold, dtype=torch.double))
        self.register_buffer("eps", torch.tensor(eps, dtype=torch.double))
        self.is_ascend = is_ascend
        self.share_max = share_max

    def forward(self, x):
        shape = x.shape[:-1]
        if not x.numel():
            return x.new_full(shape, -1, dtype=torch.long)
        x = real(x).reshape(-1, *x.shape[-2:])
        sign = -1 if self.is_ascend else 1
        x, threshold = x * sign, self.threshold.to(x.dtype) * sign
        candidates = x > threshold
        matches = self.greedy(torch.where(candidates, x, -torch.inf))
        best = x.amax(1, keepdim=True)
        own = first_argmax(x)
        near = candidates & (x + self.eps.to(x.dtype) >= best)
        shares = near.any(-1) if self.share_max else near.gather(-1, own[..., None])[..., 0]
        return torch.where((matches < 0) & shares, own, matches).reshape(shape)

    def greedy(self, left):
        images, rows, columns = left.shape
        matches = left.new_full((images, rows), -1, dtype=torch.long)
        image = torch.arange(images, device=left.device)
        for _ in range(min(rows, columns)):
            place = first_argmax(left.reshape(images, -1))
            row, column = place // columns, place % columns
            found = left[image, row, column] > -torch.inf
            if not found.any():
                break
            matches[image[found], row[found]] = column[found]
            left[image, row] = -torch.inf
            left[image, :, column] = -torch.inf
        return matches


class CompositeMatcher(nn.Module):
    def __init__(self, matchers):
        super().__init__()
        self.matchers = nn.ModuleList(matchers)

    def forward(self, x):
        proposals = torch.stack([matcher(x) for matcher in self.matchers])
        first = (proposals >= 0).byte().argmax(0)
        return proposals.gather(0, first[None])[0]
