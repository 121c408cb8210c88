"""When detectron2 differs: on which cases."""

import math

import numpy as np

from refkernels.conformance.model.case import Case

__all__ = ["low_quality_floods", "quota_is_cut"]


def low_quality_floods(case: Case) -> bool:
    """Return whether some anchor gets a match because it is the best of what overlaps nothing."""
    x, config = case.inputs["x"], case.config
    if config.get("low_quality") is None or not x.size:
        return False
    high = x.dtype.type(config["high"]) if x.dtype.kind == "f" else config["high"]
    best = x == x.max(-2, keepdims=True)
    flooded = (best & (x <= 0)).any(-1) & ~(best & (x > 0)).any(-1)
    return bool(np.any(flooded & (x.max(-1) < high)))


def quota_is_cut(case: Case) -> bool:
    """Return whether a product of the quota is rounded to below a whole number."""
    product = case.config.get("pos_ratio", 0.5) * case.config["num_sample"]
    return int(product) != math.floor(float(product) + 1e-9)
