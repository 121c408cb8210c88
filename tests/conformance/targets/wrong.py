"""A target in which every operator has one fault."""

import ctypes
import os
import sys
import time

import numpy as np


class BBoxArea:
    """Forgets to clamp."""

    def __init__(self, axis=-1, fmt="corner"):
        self.axis, self.fmt = axis, fmt

    def __call__(self, x):
        dtype = x.dtype
        x = np.moveaxis(x.astype(np.promote_types(dtype, np.float32)), self.axis, 0)
        width, height = x[2:] - x[:2] if self.fmt == "corner" else x[2:]
        with np.errstate(over="ignore"):
            area = (width * height).astype(dtype)
        return np.expand_dims(area, self.axis)


class MaximumMatcher:
    """Takes > for >=."""

    def __init__(self, threshold):
        self.threshold = threshold

    def __call__(self, x):
        return np.where(x.max(-1) > x.dtype.type(self.threshold), x.argmax(-1), -1)


class BipartiteMatcher:
    """Reads address 0."""

    def __init__(self, **parameters):
        pass

    def __call__(self, x):
        print("about to fall")
        sys.stdout.flush()
        ctypes.string_at(0)


class CompositeMatcher:
    """Does not know its own parameters."""

    def __init__(self):
        pass


class BBoxClipToImage:
    """Never answers."""

    def __call__(self, x, img, sizes=None):
        time.sleep(3600)


class BBoxSplit:
    """Leaves the process."""

    def __init__(self, axis, squeeze_axis=False):
        pass

    def __call__(self, x):
        sys.exit(0)


class BBoxCenterToCorner:
    """Writes to its input."""

    def __init__(self, axis=-1, split=False):
        self.axis, self.split = axis, split

    def __call__(self, x):
        x[...] = 0
        return x


class BBoxCornerToCenter:
    """Returns what it is given, flattened."""

    def __init__(self, axis=-1, split=False):
        pass

    def __call__(self, x):
        return x.ravel()[:-1]


class MultiClassDecoder:
    """Knows float64 only."""

    def __init__(self, axis=-1, thresh=0.01):
        self.axis, self.thresh = axis, thresh

    def __call__(self, x):
        x = np.moveaxis(x.astype(np.float64), self.axis, -1)[..., 1:]
        best, score = x.argmax(-1), x.max(-1)
        kept = score > self.thresh
        return np.where(kept, best, -1), np.where(kept, score, 0)


class SigmoidClassEncoder:
    """Forgets the mask."""

    def __call__(self, samples):
        return np.clip(samples, 0, 1)


class NaiveSampler:
    """Conforms, and says so."""

    def __call__(self, matches):
        print("sampling", matches.shape)
        return np.where(matches >= 0, 1, -1)


class MultiPerClassDecoder:
    """Asks the user."""

    def __init__(self, num_class, axis=-1, thresh=0.01):
        pass

    def __call__(self, x):
        return input("which class? ")


class CenterNetDecoder:
    """Leaves the process without a word."""

    def __init__(self, topk=100, scale=4.0):
        pass

    def __call__(self, x, wh, reg):
        os._exit(0)


class OHEMSampler:
    """Raises."""

    def __init__(self, ratio, min_samples=0, thresh=0.5):
        pass

    def __call__(self, matches, logits, ious):
        raise IndexError("list index out of range")


class QuotaSampler:
    """Raises what only the interpreter should."""

    def __init__(self, num_sample, pos_thresh, neg_thresh_high, neg_thresh_low=-np.inf, **ratios):
        pass

    def __call__(self, matches, ious):
        raise GeneratorExit("no longer wanted")
