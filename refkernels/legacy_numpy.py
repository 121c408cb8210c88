"""Names that NumPy dropped, for as long as a library that still looks them up is imported.

This is a module of its own because importing anything under `refkernels.gluon` imports MXNet, and
code under test that may or may not import MXNet needs the names all the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

__all__ = ["numpy_for_mxnet"]


@contextmanager
def numpy_for_mxnet() -> Iterator[None]:
    """Give NumPy the names that MXNet 1.9.1 looks up while it is imported, then take them back.

    MXNet 1.9.1 reads ``numpy.bool``, which NumPy dropped in 1.24 and brought back, with another
    meaning, in 2.0.

    Examples
    --------
    >>> with numpy_for_mxnet():
    ...     hasattr(np, "bool")
    True
    """
    missing = "bool" not in vars(np)
    if missing:
        vars(np)["bool"] = bool
    try:
        yield
    finally:
        if missing:
            del vars(np)["bool"]
