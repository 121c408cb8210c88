"""The matcher of region proposals (Ren et al. 2015, section 3.1.2)."""

import torch


class Matcher:
    """Match each prediction with at most one ground truth.

    ``thresholds`` cut qualities into levels, from low to high; ``labels`` has a label of each:
    1 for positive, 0 for negative, -1 for neither.
    """

    def __init__(self, thresholds, labels, allow_low_quality_matches=False):
        if len(labels) != len(thresholds) + 1 or list(thresholds) != sorted(thresholds):
            raise ValueError("expected thresholds in order, and a label of each level")
        if min(thresholds) <= 0:
            raise ValueError("expected thresholds above 0")
        self.thresholds, self.labels = list(thresholds), list(labels)
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix):
        """Return the ground truth and the label of each prediction, of qualities (M, N)."""
        truths, count = match_quality_matrix.shape
        if not truths or not count:  # then every quality counts as 0
            matches = match_quality_matrix.new_zeros(count, dtype=torch.int64)
            return matches, torch.full_like(matches, self.labels[0])
        if (match_quality_matrix < 0).any():
            raise ValueError("expected qualities of 0 and more")
        best, matches = match_quality_matrix.max(dim=0)
        labels = torch.full_like(matches, self.labels[0])
        for threshold, label in zip(self.thresholds, self.labels[1:], strict=True):
            labels[best >= threshold] = label
        if self.allow_low_quality_matches:
            # Of each ground truth, all predictions of its best quality, ties included.
            own_best = match_quality_matrix.max(dim=1, keepdim=True).values
            labels[(match_quality_matrix == own_best).any(dim=0)] = 1
        return matches, labels
