"""Classes and functions of NumPy arrays."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case, dtype_text
from refkernels.conformance.model.outputs import as_outputs
from refkernels.conformance.targets.adapter import Call
from refkernels.conformance.targets.calls import (
    require_unchanged,
    seed_globals,
    takes_rng,
)
from refkernels.conformance.targets.paste import Snippet

__all__ = ["NumPyAdapter", "strided"]


class NumPyAdapter:
    """Classes whose objects are called on NumPy arrays, and functions of them."""

    name = "NumPy"

    def contexts(self) -> list[str]:
        """Return the only place there is."""
        return ["cpu"]

    def modes(self, operator: Any) -> list[str]:
        """Return a plain call, and one on views with holes and reversed axes."""
        return ["call", "strided"]

    def draws_by_image(self, operator: Any) -> bool:
        """Return whether the call takes `rng`, of which SPEC says what each image draws."""
        return takes_rng(operator.__call__ if isinstance(operator, type) else operator)

    def owns_parameters(self, operator: Any) -> bool:
        """Return whether a built operator has its weights, and is not given them with each call."""
        return False

    def prepare(
        self, operator: Any, mode: str, context: str, run: Callable[..., Any] | None = None
    ) -> Call:
        """Return the operator with its outputs as a tuple."""

        def call(*inputs: Array, seed: int | None = None) -> tuple[Array, ...]:
            """Run the operator on copies of the inputs, and return copies of its outputs."""
            arrays = [strided(x) if mode == "strided" else x.copy() for x in inputs]
            keywords = {"rng": seed} if seed_globals(seed) and takes_rng(operator) else {}
            # Outputs may be views of the inputs, but no longer than until the next call.
            with np.errstate(all="ignore"):  # infinity is a result like any other
                result = as_outputs((run or operator)(*arrays, **keywords))
                outputs = tuple(output.copy() for output in result)
            require_unchanged(inputs, arrays)
            return outputs

        return call

    def doing(self, case: Case, dtype: str) -> str:
        """Return nothing: numbers are what they are."""
        return ""

    imports = "import numpy as np"

    def shown(self, call: str, mode: str, context: str) -> str:
        """Return a line that prints what a call returns."""
        return f"print({call})"

    def written(self, array: Array, mode: str, context: str) -> str:
        """Return an expression of an array, in mode strided one as `strided` returns it."""
        if not array.size:
            return f"np.zeros({array.shape}, {dtype_text(array)})"
        if mode != "strided" or not array.ndim:
            return f"np.array({array.tolist()}, {dtype_text(array)})"
        every = (slice(None, None, -1),) * array.ndim
        text = f"np.array({array[every].tolist()}, {dtype_text(array)})"
        spread = "".join(f".repeat(2, {axis})" for axis in range(array.ndim))
        text = f"{text}{spread}"
        text = f"np.asfortranarray({text})" if array.ndim > 1 else text
        return f"{text}[{', '.join(['::-2'] * array.ndim)}]"

    def paste(self, snippet: Snippet, names: Sequence[str], mode: str, context: str) -> str:
        """Return Python that runs the case by itself."""
        if mode == "strided":
            setup = "from refkernels.conformance.targets.numpy import strided"
            arguments = ", ".join(f"strided({name})" for name in names)
        else:
            setup, arguments = "", ", ".join(names)
        return snippet.lines(setup, f"print({snippet.subject}({arguments}))")


def strided(x: Array) -> Array:
    """Return equal values in a layout that is neither contiguous nor in order.

    Columns come first, as in Fortran: a copy that keeps that order is contiguous, and of another.
    """
    if not x.ndim:
        return x.copy()
    spread = np.zeros(tuple(2 * n for n in x.shape), x.dtype, order="F")
    view = spread[tuple(slice(None, None, -2) for _ in x.shape)]
    view[...] = x
    return view
