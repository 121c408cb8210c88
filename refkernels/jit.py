"""The one place that names Numba's options.

Every kernel of refkernels is compiled by `jit`, so what holds for one holds for all:

- ``error_model="numpy"``: a division by zero gives inf or nan, as in NumPy, and costs no branch;
- ``nogil=True``: kernels are serial, and threads over images come from outside;
- ``cache=True``: compiled once per machine, not once per process;
- never ``fastmath``: it breaks nan, exact ties and bit-identity.
"""

import warnings
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, TypeVar

import numba
import numpy as np

__all__ = ["jit"]

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS = {"error_model": "numpy", "nogil": True}

_warned = False


def jit(function: Function) -> Function:
    """Compile a kernel lazily, one specialisation per dtype, cached on disk where that is possible.

    Parameters
    ----------
    function : callable
        A function that Numba's nopython mode can compile.

    Returns
    -------
    callable
        The dispatcher; under ``NUMBA_DISABLE_JIT=1`` the function itself, where NumPy keeps as
        quiet about nan and infinity as compiled code does.

    Warns
    -----
    RuntimeWarning
        Once per process, where no place for the cache is writable; kernels then compile anew in
        every process. ``NUMBA_CACHE_DIR`` names another place.
    """
    global _warned
    try:
        compiled: Function = numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError as error:  # numba: "cannot cache function ...: no locator available"
        if "cannot cache" not in str(error):
            raise
        if not _warned:
            _warned = True
            warnings.warn(
                "refkernels finds no writable place for compiled kernels, so each process compiles "
                "them anew; set NUMBA_CACHE_DIR to a writable folder to avoid that",
                RuntimeWarning,
                stacklevel=3,
            )
        compiled = numba.njit(**OPTIONS)(function)
    _forget_what_does_not_load(compiled)
    if numba.config.DISABLE_JIT:
        return np.errstate(all="ignore")(compiled)
    return compiled


def _forget_what_does_not_load(kernel: Any) -> None:
    """Let a kernel be compiled anew where its cache cannot be read, such as after an upgrade.

    Numba reads the whole index of a kernel before it looks whether that is of today's source, and
    fails where one of the signatures in it names a type that is no more.
    """
    file: Any = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    if hasattr(file, "_load_index"):  # else it has no cache
        file._load_index = _or_empty(file._load_index)


def _or_empty(load: Callable[[], dict[Any, str]]) -> Callable[[], dict[Any, str]]:
    def load_if_possible() -> dict[Any, str]:
        try:
            return load()
        except (AttributeError, EOFError, ImportError, UnpicklingError):
            return {}

    return load_if_possible
