"""A case as Python that can be pasted: what it imports, and what it calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from refkernels.conformance.model.bfloat16 import BFloat16
from refkernels.conformance.model.operator import Case

if TYPE_CHECKING:
    from refkernels.conformance.targets.target import Target

__all__ = ["Snippet", "constants", "snippet"]


class Snippet(NamedTuple):
    """The parts of a pasted case that are the same in every framework.

    `imports` and `arrays` are whole lines; `subject` is the expression of what is under test, such
    as ``MaximumMatcher(threshold=0.5)``; `kernel` calls the operator that it is held to; `coarse`
    are the inputs that are bfloat16.
    """

    imports: str
    arrays: str
    subject: str
    kernel: str
    coarse: frozenset[str] = frozenset()

    def lines(self, setup: str, *calls: str) -> str:
        """Return the whole, with lines of a framework's own before and in place of the call."""
        parts = ["import numpy as np, refkernels", setup, self.imports]
        code = [self.arrays, *calls, f"print({self.kernel})  # the kernel"]
        return "\n".join(filter(None, [*parts, *constants("\n".join(code)), *code]))


def constants(code: str) -> list[str]:
    """Return the import that code needs for what Python prints as inf and nan, if it does.

    >>> constants("x = [1.0, -inf]")
    ['from math import inf']
    """
    used = sorted(set(re.findall(r"(?<![\w.'])(inf|nan)(?![\w'])", code)))
    return [f"from math import {', '.join(used)}"] if used else []


def snippet(target: Target, name: str, case: Case) -> Snippet:
    """Return how a case of an operator is written, for this target."""
    call = case.call(name)
    operators = sorted(set(re.findall(r"\b([A-Z]\w*)\(", call)))
    kernel = re.sub(r"\b([A-Z]\w*)\(", r"refkernels.\1(", call)
    subject = target.expression(name, case)
    imports = target.imports(operators)
    if subject.startswith("partial("):  # a function that takes the parameters as keywords
        imports = f"from functools import partial\n{imports}"
    return Snippet(
        imports,
        case.assignments(),
        subject,
        f"{kernel}({', '.join(case.inputs)})",
        frozenset(name for name, array in case.inputs.items() if isinstance(array, BFloat16)),
    )
