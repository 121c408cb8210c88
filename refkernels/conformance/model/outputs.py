"""What an operator returns, as plain arrays; and what of it is none."""

from collections.abc import Callable
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFloat16
from refkernels.conformance.model.quoting import error_text, name_of

__all__ = ["OutputError", "as_outputs"]


class OutputError(Exception):
    """An output that is no array, nor anything that is easily made one; the text says what it is.

    `raised` is the exception that came of the attempt, if one did.
    """


def as_outputs(
    result: Any, read: Callable[[Any], Any] = lambda output: output
) -> tuple[Array, ...]:
    """Return an operator's result as a tuple of plain arrays.

    Parameters
    ----------
    result : object
        One output, or a tuple or list of them.
    read : callable
        Returns an output of a framework as what NumPy takes; it raises `OutputError` with the end
        of a sentence for what is none.

    Raises
    ------
    OutputError
        If an output is no array.
    """
    if isinstance(result, (tuple, list)):
        return tuple(_as_output(f"output {i}", value, read) for i, value in enumerate(result))
    return (_as_output("the output", result, read),)


def _as_output(name: str, value: Any, read: Callable[[Any], Any]) -> Array:
    try:
        array = read(value)
    except OutputError as error:
        raise OutputError(f"{name} {error}") from None
    try:
        output = array if isinstance(array, BFloat16) else np.asarray(array)
    except Exception as error:  # it is a list of lists of many lengths, or has code of its own
        raise OutputError(f"{name} cannot be read as an array: {error_text(error)}") from None
    if not issubclass(type(array), (np.ndarray, np.generic)) and output.ndim == 0:
        if output.dtype.kind not in "biufc":
            raise OutputError(f"{name} is of type {name_of(value)}, expected an array")
    hidden = np.sum(array.mask) if issubclass(type(array), np.ma.MaskedArray) else 0
    if hidden:
        raise OutputError(f"{name} is a masked array that hides {hidden} of its elements")
    return output
