"""Make MXNet 1.9.1 import on today's Python and NumPy, and say how to get it where it is absent."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np

__all__ = ["import_mxnet", "numpy_for_mxnet"]

INSTALL = "pip install 'refkernels[mxnet]'"


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
        np.bool = bool  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        if missing:
            del np.bool


def import_mxnet() -> ModuleType:
    """Import MXNet and return it.

    Raises
    ------
    ImportError
        If MXNet is absent or does not import; the message names the command that installs it.
    """
    try:
        with numpy_for_mxnet():
            return importlib.import_module("mxnet")
    except ModuleNotFoundError as error:
        if error.name == "mxnet":
            reason = "MXNet is not installed"
        elif error.name == "distutils":
            reason = "MXNet needs distutils, which Python 3.12 moved to the package setuptools"
        else:
            reason = f"MXNet does not import: {error}"
    except (ImportError, AttributeError, OSError) as error:
        reason = f"MXNet does not import beside NumPy {np.__version__}: {error}"
    raise ImportError(
        f"refkernels.gluon needs MXNet 1.9.1 and NumPy below 2. {reason}. "
        f"Install it with: {INSTALL}"
    )
