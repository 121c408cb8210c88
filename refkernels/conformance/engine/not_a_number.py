"""What a target does with a NaN: outside of what is promised, and what people trip over.

No verdict depends on it (SPEC section 0 has such input refused). A target refuses it, passes it on,
or goes on as if it were a number: then the NaN may win over a finite value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.engine.calling import prepare
from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.engine.failing import Failed
from refkernels.conformance.engine.offered import ordinary
from refkernels.conformance.model.case import DTYPES, LABELS, Case
from refkernels.conformance.targets.own_call import paste_call
from refkernels.conformance.targets.representation import Argument

__all__ = ["AS_A_NUMBER", "PASSED_ON", "REFUSED", "remarks_on_nan"]

REFUSED, PASSED_ON, AS_A_NUMBER = "refuses nan", "passes nan on", "takes nan for a number"

# So many elements of what comes of it are shown.
SHOWN = 24


def remarks_on_nan(examiner: Examiner, dtype: str) -> dict[str, str]:
    """Return what the target does with a NaN in each of its inputs in turn, by the kind of answer.

    Of what goes on as if it were a number, a call shows what comes of it.
    """
    if examiner.operator.calling != "arrays" or dtype not in DTYPES:
        return {}
    found: dict[str, list[str]] = {}
    calls: list[str] = []
    for name, case in _with_nan(examiner, dtype):
        try:
            outputs = _outputs(examiner, case, dtype)
        except Failed as failed:
            found.setdefault(REFUSED, []).append(f"{name} ({failed.said})")
            continue
        if any(array.dtype.kind == "f" and np.isnan(array).any() for array in outputs):
            found.setdefault(PASSED_ON, []).append(name)
            continue
        found.setdefault(AS_A_NUMBER, []).append(name)
        mode, context = examiner.plain_modes[0], examiner.contexts[0]
        shown = paste_call(examiner.operator, examiner.target, case, mode, context)
        calls.append(f"{shown}  # {_in_short(outputs)}")
    said = {kind: ", ".join(names) for kind, names in found.items()}
    if calls:
        said[AS_A_NUMBER] += "\n" + "\n".join(calls)
    return said


def _with_nan(examiner: Examiner, dtype: str) -> Iterator[tuple[str, Case]]:
    """Yield an ordinary case for each input of reals, with one of its numbers a NaN."""
    said = examiner.target.representation.inputs
    sizes = {argument.name for argument in map(Argument.of, said) if argument.form == "size"}
    for case in ordinary(examiner):
        cast = case.astype(dtype)
        reals = [
            name
            for name, array in cast.inputs.items()
            if array.dtype.kind == "f" and name not in (*LABELS, *sizes) and _has_several(array)
        ]
        if reals and examiner.offers.covers(case):
            for name in reals:
                array = cast.inputs[name].copy()
                array.flat[0] = np.nan
                yield name, replace(cast, inputs={**cast.inputs, name: array})
            return


def _has_several(array: Array) -> bool:
    """Return whether there are numbers, or boxes, that a NaN could win over."""
    return array.size > (4 if array.shape[-1:] == (4,) else 1)


def _outputs(examiner: Examiner, case: Case, dtype: str) -> tuple[Array, ...]:
    mode, context = examiner.plain_modes[0], examiner.contexts[0]
    with examiner.watched(case, case, dtype, mode, context, "what it does with nan"):
        call = prepare(examiner.operator, examiner.target, case, mode, context)
        return call(*(array.copy() for array in case.inputs.values()))


def _in_short(outputs: tuple[Array, ...]) -> str:
    return "; ".join(
        str(array.tolist()) if array.size <= SHOWN else f"an array {array.shape}"
        for array in outputs
    )
