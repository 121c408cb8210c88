"""What must come of integers that are given where reals are meant."""

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Operator

__all__ = ["judge_whole"]


def judge_whole(operator: Operator, case: Case, outputs: tuple[Array, ...]) -> Disagreement | None:
    """Hold what a target makes of integers to what must come of the same numbers.

    They become float64 in NumPy, and whatever is a framework's default elsewhere; so what comes of
    them is right if it is in float64 or in float32, and what comes as either, in that.

    Parameters
    ----------
    operator : Operator
        Which it is.
    case : Case
        With float64 in place of the integers.
    outputs : tuple of numpy.ndarray
        What the target gave.
    """
    wrongs = []
    expected = operator.outputs(case)
    own = {
        output.dtype
        for output, meant in zip(outputs, expected, strict=False)
        if not meant.index and output.dtype in (np.float32, np.float64)
    }
    for dtype in (np.float64, np.float32):
        if own and np.dtype(dtype) not in own:
            continue
        cast = case.astype(dtype)
        reference = operator.refer(cast)
        kernel = reference.kernel
        # Where there are more or fewer outputs than there must be, `judge` says so.
        kernel = (*kernel, *kernel[-1:] * len(outputs))[: len(outputs)]
        with np.errstate(all="ignore"):  # what does not fit float32 is infinite there
            found = tuple(
                output.astype(own.dtype)
                if own.dtype.kind == "f" and output.dtype.kind in "iuf"
                else output
                for output, own in zip(outputs, kernel, strict=True)
            )
        wrong = operator.judge(cast, reference, found)
        if wrong is None:
            return None
        wrongs.append(wrong)
    return wrongs[0]
