"""Arrays of whatever framework as NumPy's, at the moment at which they are seen."""

from typing import Any

import numpy as np

from refkernels.arrays import Array

__all__ = ["as_numpy", "copied"]


def as_numpy(value: Any) -> Array | None:
    """Return an array of any framework as NumPy's, or None for what is none, such as a symbol."""
    if hasattr(value, "list_arguments"):  # an MXNet symbol has the methods of an array, too
        return None
    if hasattr(value, "asnumpy"):
        value = value.asnumpy()
    elif hasattr(value, "detach"):
        value = value.detach().cpu()
        # NumPy has no bfloat16, which single precision holds exactly.
        is_bfloat16 = str(getattr(value, "dtype", "")) == "torch.bfloat16"
        value = (value.float() if is_bfloat16 else value).numpy()
    elif not isinstance(value, (list, tuple)) and not hasattr(value, "__array__"):
        return None
    array = np.asarray(value)
    return array if array.dtype.kind in "iufb" else None


def copied(value: Any) -> Array:
    """Return a copy of an array, or of boxes that have one; later steps may write into theirs.

    Raises
    ------
    TypeError
        If it is none.
    """
    array = as_numpy(getattr(value, "tensor", value))
    if array is None:
        raise TypeError(f"expected an array, got {type(value).__name__}")
    return np.array(array)
