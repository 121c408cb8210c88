"""Matchers: classes that are built with their parameters."""

import numpy as np


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


class MaximumMatcher:
    def __init__(self, threshold):
        self.threshold = threshold

    def __call__(self, x):
        x = real(x)
        if not x.shape[-1]:
            return np.full(x.shape[:-1], -1)
        return np.where(x.max(-1) >= x.dtype.type(self.threshold), x.argmax(-1), -1)


class BipartiteMatcher:
    def __init__(self, threshold=1e-12, is_ascend=False, eps=1e-12, share_max=True):
        self.threshold = threshold
        self.is_ascend = is_ascend
        self.eps = eps
        self.share_max = share_max

    def __call__(self, x):
        x = real(x)
        matches = np.full(x.shape[:-1], -1)
        if x.size:
            for image in np.ndindex(x.shape[:-2]):
                matches[image] = self.match(x[image])
        return matches

    def match(self, x):
        threshold, eps = x.dtype.type(self.threshold), x.dtype.type(self.eps)
        if self.is_ascend:
            x, threshold = -x, -threshold
        candidates = x > threshold
        matches = self.greedy(np.where(candidates, x, -np.inf))
        best = x.max(0)
        near = candidates & (x + eps >= best)
        own = x.argmax(1)
        shares = near.any(1) if self.share_max else near[np.arange(len(x)), own]
        return np.where((matches < 0) & shares, own, matches)

    def greedy(self, left):
        matches = np.full(len(left), -1)
        for _ in range(min(left.shape)):
            row, column = np.unravel_index(left.argmax(), left.shape)
            if left[row, column] == -np.inf:
                break
            matches[row] = column
            left[row], left[:, column] = -np.inf, -np.inf
        return matches


class CompositeMatcher:
    def __init__(self, matchers):
        self.matchers = matchers

    def __call__(self, x):
        matches = np.full(np.shape(x)[:-1], -1)
        for matcher in self.matchers:
            matches = np.where(matches >= 0, matches, matcher(x))
        return matches
