"""What the tests of several coders share."""

import numpy as np
import pytest


def strided(x):
    wide = np.repeat(x, 2, axis=-1)
    return wide[..., ::2]


def reversed_(x):
    return np.ascontiguousarray(x[::-1])[::-1]


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "strided": strided,
    "negative strides": reversed_,
    "read-only": read_only,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "list": lambda x: x.tolist(),
}


@pytest.fixture(params=LAYOUTS)
def layout(request):
    """Return a function that lays an array of float64 or int64 out in another way."""
    return LAYOUTS[request.param]
