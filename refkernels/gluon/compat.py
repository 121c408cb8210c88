"""Make MXNet 1.9.1 import on today's Python and NumPy, and say how to get it where it is absent."""

import importlib
from types import ModuleType

import numpy as np

from refkernels.legacy_numpy import numpy_for_mxnet

__all__ = ["import_mxnet", "numpy_for_mxnet"]

INSTALL = "pip install 'refkernels[mxnet]'"


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
    except (ImportError, AttributeError, OSError) as error:
        raise ImportError(
            f"refkernels.gluon needs MXNet 1.9.1 and NumPy below 2. {_reason(error)}. "
            f"Install it with: {INSTALL}"
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == "mxnet":
        return "MXNet is not installed"
    if isinstance(error, ModuleNotFoundError) and error.name == "distutils":
        return "MXNet needs distutils, which Python 3.12 moved to the package setuptools"
    return f"MXNet does not import beside NumPy {np.__version__}: {error}"
