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
from numba.extending import intrinsic, overload

__all__ = ["jit", "next_number"]

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
    return np.errstate(all="ignore")(compiled) if numba.config.DISABLE_JIT else compiled


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


def next_number(counter: Any) -> int:
    """Return ``counter[0]`` and add 1 to it: threads that share a counter share numbers out.

    In compiled code that is one atomic step. As plain Python two threads may get the same number,
    and whatever it stands for is done twice; but none is left out.

    Parameters
    ----------
    counter : numpy.ndarray, int64, (1,)
        Contiguous.

    Returns
    -------
    int

    Examples
    --------
    >>> counter = np.zeros(1, np.int64)
    >>> next_number(counter), next_number(counter)
    (0, 1)
    """
    number = int(counter[0])
    counter[0] = number + 1
    return number


@overload(next_number)
def _compiled_next_number(counter):  # type: ignore[no-untyped-def]
    return lambda counter: _fetch_and_add(counter)  # pragma: no cover (compiled only)


@intrinsic  # type: ignore[untyped-decorator]
def _fetch_and_add(typing_context: Any, counter: Any) -> Any:  # pragma: no cover (compiled only)
    """Do what `next_number` does by LLVM's ``atomicrmw add``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        one = context.get_constant(numba.types.int64, 1)
        # Numbers are all that threads tell one another through it, so no order is asked for.
        return builder.atomic_rmw("add", array.data, one, "monotonic")

    return numba.types.int64(counter), generate
