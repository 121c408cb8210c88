"""A case as the peer's own call, with nothing of refkernels in it: fit for a report of a fault."""

from __future__ import annotations

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.operator import Operator
from refkernels.conformance.targets.paste import constants
from refkernels.conformance.targets.represented import Carrier
from refkernels.conformance.targets.target import Target

__all__ = ["paste_call"]

# Of larger outputs what is right is not written.
SHOWN = 64


def paste_call(operator: Operator, target: Target, case: Case, mode: str, context: str) -> str:
    """Return Python that calls what is under test on a case in its own words.

    What is right is there as a comment.
    """
    carrier = Carrier(operator, target.representation, case)
    adapter = target.adapter(operator.name)
    lines = [adapter.imports, target.own_call(operator.name, case, "")[0]]
    pieces = carrier.pieces(dict(case.inputs))
    for number, piece in enumerate(pieces):
        suffix = f"_{number}" if len(pieces) > 1 else ""
        arguments = []
        for argument, arrays in piece.arguments:
            name = f"{argument.name}{suffix}"
            value = str(tuple(arrays[0].shape[-2:])) if argument.form == "size" else name
            if argument.form != "size":
                own = [adapter.written(array, mode, context) for array in arrays]
                lists = target.representation.images == "list" and not argument.form
                lines.append(f"{name} = {'[' + ', '.join(own) + ']' if lists else own[0]}")
            value = f"[{value}]" if argument.form == "list" else value
            arguments.append(f"{argument.keyword}={value}" if argument.keyword else value)
        call = target.own_call(operator.name, case, ", ".join(arguments))[1]
        lines.append(adapter.shown(call, mode, context))
    return "\n".join([*constants("\n".join(lines[2:])), *lines, *_right(operator, carrier, case)])


def _right(operator: Operator, carrier: Carrier, case: Case) -> list[str]:
    """Return comments that say what is right, and by whom."""
    try:
        outputs = operator.run_kernel(case)
    except (TypeError, ValueError):
        return []
    if operator.random or sum(output.size for output in outputs) > SHOWN:
        return []
    said = [
        f"# right, as {case.call(operator.name)} of refkernels: {name} = {_text(array)}"
        for name, array in carrier.written(outputs).items()
    ]
    return said


def _text(array: Array) -> str:
    values = array.astype(np.float64) if array.dtype.kind == "f" else array
    return str(values.tolist())
