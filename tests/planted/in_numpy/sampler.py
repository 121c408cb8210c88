"""Samplers of anchors: classes that are built with their parameters."""

import numpy as np


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def row_maxima(ious, matches):
    ious = real(ious)
    return ious if ious.shape == matches.shape else ious.max(-1, initial=0)


class NaiveSampler:
    def __call__(self, matches):
        return np.where(np.asarray(matches) >= 0, 1, -1)


class OHEMSampler:
    def __init__(self, ratio, min_samples=0, thresh=0.5):
        self.ratio = ratio
        self.min_samples = min_samples
        self.thresh = thresh

    def __call__(self, matches, logits, ious):
        matches = np.asarray(matches)
        largest = row_maxima(ious, matches)
        eligible = (matches < 0) & (largest < largest.dtype.type(self.thresh))
        scores = self.log_odds(real(logits))
        samples = np.where(matches >= 0, 1, 0)
        for image in np.ndindex(matches.shape[:-1]):
            positives = (matches[image] >= 0).sum()
            quota = max(self.min_samples, self.ratio * positives)
            quota = int(min(quota, matches.shape[-1] - positives))
            candidates = np.flatnonzero(eligible[image])
            order = np.argsort(-scores[image][candidates], kind="stable")
            samples[image][candidates[order[:quota]]] = -1
        return samples

    def log_odds(self, logits):
        # Halves, so that no difference overflows.
        logits = logits.astype(np.result_type(logits, np.float32)) * 0.5
        background, objects = logits[..., 0], logits[..., 1:]
        top = objects.max(-1)
        odds = np.exp((objects - top[..., None]) * 2).sum(-1)
        return top + np.log(odds) * 0.5 - background


class QuotaSampler:
    def __init__(
        self,
        num_sample,
        pos_thresh,
        neg_thresh_high,
        neg_thresh_low=-np.inf,
        pos_ratio=0.5,
        neg_ratio=None,
        fill_negative=True,
    ):
        self.num_sample = num_sample
        self.pos_thresh = pos_thresh
        self.neg_thresh_high = neg_thresh_high
        self.neg_thresh_low = neg_thresh_low
        self.pos_ratio = pos_ratio
        self.neg_ratio = 1 - pos_ratio if neg_ratio is None else neg_ratio
        self.fill_negative = fill_negative

    def __call__(self, matches, ious, rng=None):
        matches = np.asarray(matches)
        largest = row_maxima(ious, matches)
        high = largest.dtype.type(self.neg_thresh_high)
        low = largest.dtype.type(self.neg_thresh_low)
        positive = (matches >= 0) | (largest >= largest.dtype.type(self.pos_thresh))
        negative = ~positive & (low <= largest) & (largest < high)
        samples = positive.astype(np.int64) - negative
        seed = np.random.default_rng(rng).integers(2**63)
        for i, image in enumerate(np.ndindex(matches.shape[:-1])):
            draw = np.random.default_rng([seed, i])
            self.keep(samples[image], draw)
        return samples

    def keep(self, samples, draw):
        max_pos = round(self.pos_ratio * self.num_sample)
        max_neg = int(self.neg_ratio * self.num_sample + 1e-9)
        positives, negatives = np.flatnonzero(samples > 0), np.flatnonzero(samples < 0)
        if self.fill_negative:
            max_neg = max(max_neg, self.num_sample - min(len(positives), max_pos))
        for found, quota in ((positives, max_pos), (negatives, max_neg)):
            samples[draw.permutation(found)[quota:]] = 0
