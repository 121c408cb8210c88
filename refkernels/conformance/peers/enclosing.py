"""What a GIoU is made of, beyond the dtype of its boxes: for the conditions of peers."""

import numpy as np

from refkernels.conformance.model.bfloat16 import BFloat16
from refkernels.conformance.model.case import Case

__all__ = ["enclosing_leaves_reals"]


def enclosing_leaves_reals(case: Case) -> bool:
    """Return whether two areas, or that of the box around both, are infinite in single or double.

    Then one infinity is taken from another, or divided by it.
    """
    a, b = (case.inputs[name] for name in "ab")
    dtype = np.result_type(a, b)
    if dtype not in (np.float32, np.float64) or isinstance(a, BFloat16) or isinstance(b, BFloat16):
        return False
    with np.errstate(all="ignore"):
        rows, columns = a.astype(np.float64)[..., :, None, :], b.astype(np.float64)[..., None, :, :]
        low = np.minimum(rows[..., :2], columns[..., :2])
        high = np.maximum(rows[..., 2:], columns[..., 2:])
        areas = sum(abs((x[..., 2:] - x[..., :2]).prod(-1)) for x in (rows, columns))
        return not bool((np.maximum(areas, (high - low).prod(-1)) <= np.finfo(dtype).max).all())
