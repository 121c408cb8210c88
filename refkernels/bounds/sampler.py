"""Forward error bounds of the samplers (SPEC section 3)."""

import numpy as np

from refkernels.arrays import Array, computing_dtype
from refkernels.bounds.arithmetic import SLACK, roundoff

__all__ = ["mining_score"]


def mining_score(logits: Array) -> Array:
    """Bound the score of OHEMSampler, computed stably in whichever of the usual ways.

    With m the largest logit and d = logit - m: a difference errs by u|d|, its exponential by that
    and 3 units in the last place, relative (NumPy states up to 2.52 of its own); the sum of C terms
    by the weighted mean of these and C u; its logarithm by the sum's relative error and 1 unit; and
    the sums with m and the background by u of their results and operands.
    """
    unit = roundoff(computing_dtype(logits.dtype))
    logits = logits.astype(np.float64)
    largest = logits.max(-1, keepdims=True)
    low = logits - largest
    weights = np.exp(low)
    total = weights.sum(-1)
    relative = (weights * (unit.u * np.abs(low) + 6 * unit.u)).sum(-1) / total
    log_total = np.log(total)
    m, background = largest[..., 0], logits[..., 0]
    score = m - background + log_total
    size = 2 * np.abs(log_total) + np.abs(m) + np.abs(background) + np.abs(log_total)
    error = relative + logits.shape[-1] * unit.u + unit.u * (size + 2 * np.abs(score))
    return np.asarray(error * SLACK)
