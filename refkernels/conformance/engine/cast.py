"""A case in one dtype, with what must come of it."""

from collections.abc import Set
from typing import Any, NamedTuple

from refkernels.arrays import Array
from refkernels.conformance.engine.half import judge_bfloat16
from refkernels.conformance.engine.whole import judge_whole
from refkernels.conformance.model.bfloat16 import BFLOAT16
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import INTEGERS, Case, Operator, Reference

__all__ = ["Cast"]


class Cast(NamedTuple):
    """A case cast to a dtype, with what must come of it, and the modes in which it does not.

    `given` is what the target is given: the case itself, or for an integer dtype, whose reals count
    as float64, the same numbers as integers. `right` holds what was found right of what came out:
    most modes return the same.
    """

    dtype: str
    case: Case
    given: Case
    reference: Reference
    known: Set[str]
    right: set[tuple[Any, ...]]

    def judge(self, operator: Operator, outputs: tuple[Array, ...]) -> Disagreement | None:
        """Hold what a target makes of the case to what must come of it."""
        written = tuple((type(x), x.dtype, x.shape, x.tobytes()) for x in outputs)
        if written in self.right:
            return None
        if self.dtype in INTEGERS:
            wrong = judge_whole(operator, self.case, outputs)
        elif self.dtype == BFLOAT16:
            wrong = judge_bfloat16(operator, self.case, self.given, self.reference, outputs)
        else:
            wrong = operator.judge(self.case, self.reference, outputs)
        if wrong is None:
            self.right.add(written)
        return wrong
