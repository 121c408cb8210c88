"""In which dtype results come, and in which one they are computed (SPEC section 0)."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "Array",
    "common_real",
    "computing_dtype",
    "for_kernel",
    "rounded",
    "rounded_to_computing",
    "to_computing",
]

Array = npt.NDArray[Any]


def common_real(*arrays: Array) -> np.dtype[Any]:
    """Return the dtype of real outputs for these real inputs: `numpy.result_type`."""
    return np.result_type(*(array.dtype for array in arrays))


def computing_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return the dtype that data of `dtype` is computed in: float32 for float16, else `dtype`."""
    return np.promote_types(dtype, np.float32)


def to_computing(array: Array, dtype: npt.DTypeLike) -> Array:
    """Return `array` C-contiguous, in the dtype that results of `dtype` are computed in."""
    wide = computing_dtype(dtype)
    if array.dtype == wide:
        return for_kernel(array, wide)
    with np.errstate(all="ignore"):  # which a signalling nan raises
        return for_kernel(array, wide)


def rounded(value: float, dtype: npt.DTypeLike) -> Any:
    """Round a parameter that is compared with data to the data's dtype (float16 included).

    The result is returned in the dtype that such data is computed in, where it is exact.
    """
    return computing_dtype(dtype).type(_round(float(value) + 0.0, np.dtype(dtype)))


def rounded_to_computing(value: float, dtype: npt.DTypeLike) -> Any:
    """Round a parameter that enters arithmetic to the dtype that data of `dtype` is computed in."""
    return _round(float(value) + 0.0, computing_dtype(dtype))


@lru_cache
def _round(value: float, dtype: np.dtype[Any]) -> Any:
    # Cached, since the guard against the overflow warning takes longer than a small kernel. To the
    # cache -0.0 is 0.0, so it comes as that: one result whatever was asked for before.
    with np.errstate(all="ignore"):
        return np.asarray(value, dtype)[()]


def for_kernel(array: Array, dtype: npt.DTypeLike) -> Array:
    """Return `array` in `dtype`, C-contiguous and aligned, as a view that cannot be written to.

    Numba compiles a kernel anew for arrays that are read-only, or not aligned to their items, so it
    gets no others from the checks.
    """
    whole = np.asarray(array, dtype=dtype, order="C")
    view = whole.view() if whole.flags.aligned else whole.copy()
    view.flags.writeable = False
    return view
