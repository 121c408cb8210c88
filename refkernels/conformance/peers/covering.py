"""What the share of a box that is covered is divided by: for the conditions of peers."""

import numpy as np

from refkernels.conformance.model.bfloat16 import BFloat16
from refkernels.conformance.model.case import Case

__all__ = ["covered_area_leaves_reals"]


def covered_area_leaves_reals(case: Case) -> bool:
    """Return whether the area of a box that is covered is infinite, or nothing, in its dtype.

    Or next to nothing: below the normal numbers, where it has fewer digits than its dtype has.
    """
    a, b = case.inputs["a"], case.inputs["b"]
    if a.dtype.kind != "f":
        return False
    plain = a.view(np.ndarray).astype(np.float32 if isinstance(a, BFloat16) else a.dtype)
    info = np.finfo(plain.dtype)
    with np.errstate(all="ignore"):
        area = (plain[..., 2:] - plain[..., :2]).prod(-1)[..., :, None]
    one, other = a.view(np.ndarray)[..., :, None, :], b.view(np.ndarray)[..., None, :, :]
    meets = np.minimum(one[..., 2:], other[..., 2:]) > np.maximum(one[..., :2], other[..., :2])
    return bool((meets.all(-1) & (~(area <= info.max) | (area < info.tiny))).any())
