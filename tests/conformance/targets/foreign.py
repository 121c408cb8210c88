"""Right code that writes things as other libraries do, and some that is wrong."""

import numpy as np

import refkernels


def overlaps(boxes, others):
    """IoUs of single images' boxes, ground truths first."""
    if boxes.ndim != 2 or others.ndim != 2:
        raise ValueError(f"expected (N, 4), got {boxes.shape}")
    return refkernels.BBoxBatchIOU()(boxes, others)


def in_double(boxes, others):
    """The same, computed and returned in double precision."""
    return overlaps(boxes.astype(np.float64), others.astype(np.float64))


def turned(others, boxes):
    """The same, M x N."""
    return overlaps(boxes, others).T


def paired(a, b):
    """IoUs row by row."""
    if len(a) != len(b):
        raise ValueError("expected as many as these")
    if not len(a):
        return np.zeros(0, np.result_type(a, b))
    return refkernels.BBoxBatchIOU()(a[:, None], b[:, None])[:, 0, 0]


class Matcher:
    """It takes ground truths by anchors, of one image, and counts from 1."""

    def __init__(self, thr):
        self.thr = thr

    def __call__(self, quality):
        if quality.ndim != 2:
            raise ValueError(f"expected (M, N), got {quality.shape}")
        return refkernels.MaximumMatcher(self.thr)(quality.T) + 1


class Strict(Matcher):
    """The same, but a threshold is not enough."""

    def __call__(self, quality):
        found = super().__call__(quality)
        if not len(quality):
            return found
        return np.where(quality.max(0) == quality.dtype.type(self.thr), 0, found)


class Coder:
    """Encodes lists of matched boxes, and decodes one image's."""

    def __init__(self, weights, far=None):
        self._stds = tuple(1 / weight for weight in weights)
        self._far = far

    def encode(self, truths, anchors):
        return [self._encode(*own) for own in zip(truths, anchors, strict=True)]

    def decode(self, offsets, anchors):
        (own,) = anchors
        coder = refkernels.NormalizedBoxCenterDecoder(self._stds, True, self._far)
        return coder(offsets, own)[:, None]

    def _encode(self, truths, anchors):
        rows = np.arange(len(truths))
        coder = refkernels.NormalizedBoxCenterEncoder(self._stds)
        return coder(np.ones(len(rows)), rows, anchors, truths)[0]


def clip(boxes, *, size):
    height, width = size
    limit = np.array([width, height, width, height], np.float64).astype(boxes.dtype)
    return np.clip(boxes, np.zeros_like(limit), limit)


def areas(boxes):
    return refkernels.BBoxArea()(boxes)[..., 0]


def codes(samples, matches, labels):
    """Class targets of samples 2, 0 and -1, in a dict."""
    usual = np.select([samples == 2, samples == 0], [1, -1], 0)
    return {"labels": refkernels.MultiClassEncoder()(usual, matches - 1, labels)}


built = Matcher(0.5)

not_callable = 3
