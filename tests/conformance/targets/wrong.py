"""A target in which every operator has one fault."""

import ctypes
import sys
import time

import numpy as np


class BBoxArea:
    """Forgets to clamp the height."""

    def __init__(self, axis=-1, fmt="corner"):
        self.axis, self.fmt = axis, fmt

    def __call__(self, x):
        x = np.moveaxis(x.astype(np.promote_types(x.dtype, np.float32)), self.axis, 0)
        width, height = x[2:] - x[:2] if self.fmt == "corner" else x[2:]
        return np.expand_dims((np.maximum(width, 0) * height), self.axis)


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
