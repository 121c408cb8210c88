"""What must come of bfloat16: what comes of the same numbers in float32, rounded once more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases import find
from refkernels.conformance.model.bfloat16 import BFLOAT16, BFloat16, rounded, rounded_config
from refkernels.conformance.model.case import LABELS, Case
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Operator, Output, Reference

__all__ = ["cast_to_bfloat16", "judge_bfloat16"]

# Half a unit in the last of 8 bits, relative; and of subnormal numbers.
UNIT, TINY = 2.0**-8, 2.0**-134


def cast_to_bfloat16(
    operator: Operator, case: Case, left_out: Counter[str]
) -> tuple[Case | None, Case | None]:
    """Return a case in float32 with the numbers of bfloat16, and as a target is given it.

    Both are None if nothing of it takes the dtype under test; if only a part does and a parameter
    is none of its numbers; or if a sum with a matcher's eps, which has the data's dtype, is another
    in float32. `left_out` counts these. Defaults are rounded as parameters that are given.
    """
    given = case.astype(BFLOAT16)
    if not any(isinstance(array, BFloat16) for array in given.inputs.values()):
        return None, None
    plain = {name: array.view(np.ndarray) for name, array in given.inputs.items()}
    known = signature(operator.kernel).parameters.items()
    defaults = {name: own.default for name, own in known if isinstance(own.default, float)}
    compares_eps = operator.family in ("matcher", "chain")
    config = rounded_config({**defaults, **case.config}, compares_eps=compares_eps)
    others = [x for x in given.inputs.values() if x.dtype.kind == "f"]
    if not all(isinstance(x, BFloat16) for x in others):
        # Whether a threshold is compared with these or those, only the operator knows.
        if config != {**defaults, **case.config}:
            left_out["in bfloat16 beside another dtype, in which thresholds are others"] += 1
            return None, None
    if compares_eps and any(_sums_are_coarse(eps, plain) for eps in _every_eps(config)):
        left_out["in bfloat16, where sums with eps are others than in float32"] += 1
        return None, None
    return Case(config, plain), given


def _every_eps(config: Mapping[str, Any]) -> Iterator[float]:
    """Yield what is added before a comparison, by the matcher itself and by those in it."""
    if "eps" in config:
        yield float(config["eps"])
    for recipe in config.get("matchers", ()):
        known = signature(find(recipe.name).kernel).parameters
        yield from _every_eps({k: own.default for k, own in known.items()} | dict(recipe.config))


def _sums_are_coarse(eps: float, inputs: Mapping[str, Array]) -> bool:
    """Return whether a sum with eps is another in bfloat16 than in float32."""
    values = np.concatenate([x.ravel() for x in inputs.values() if x.dtype.kind == "f"])
    sums = np.concatenate([values + np.float32(eps), values - np.float32(eps)])
    finite = sums[np.isfinite(sums)]
    return not np.array_equal(rounded(finite), finite)


def judge_bfloat16(
    operator: Operator, case: Case, given: Case, reference: Reference, outputs: tuple[Array, ...]
) -> Disagreement | None:
    """Hold what a target makes of bfloat16 to what must come of the same numbers in float32.

    Parameters
    ----------
    operator : Operator
        Which it is.
    case : Case
        In float32.
    given : Case
        As the target was given it. Where only some of its reals are bfloat16, what comes of them
        is to be float32.
    reference : Reference
        What must come of it.
    outputs : tuple of numpy.ndarray
        What the target gave; `BFloat16` where it gave such.
    """
    reals = [x for name, x in given.inputs.items() if name not in LABELS]
    reals = [x for x in reals or given.inputs.values() if x.dtype.kind == "f"]
    if not all(isinstance(x, BFloat16) for x in reals):
        return operator.judge(case, reference, outputs)
    for expected, found in zip(operator.outputs(case), outputs, strict=False):
        if not expected.index and found.dtype.kind == "f" and not isinstance(found, BFloat16):
            what = f"{expected.name} has dtype {found.dtype}, expected bfloat16"
            return Disagreement(expected.name, what, kind="wrong dtype")
    coarse = replace(operator, outputs=partial(_coarse, operator))
    plain = tuple(np.asarray(output).view(np.ndarray) for output in outputs)
    # What is not computed but taken is rounded all the same, where it is no number of bfloat16.
    taken = [
        not output.index and output.bound is None and own.dtype.kind == "f"
        for output, own in zip(operator.outputs(case), reference.kernel, strict=True)
    ]
    kernel = tuple(
        rounded(own).view(np.ndarray) if is_taken else own
        for is_taken, own in zip(taken, reference.kernel, strict=True)
    )
    exact = reference.exact
    if exact is not None and any(taken):
        exact = tuple(
            known if is_taken else own
            for is_taken, own, known in zip(taken, exact, kernel, strict=True)
        )
    return coarse.judge(case, Reference(exact, kernel), plain)


def _coarse(operator: Operator, case: Case) -> tuple[Output, ...]:
    """Return outputs that may be off by the last rounding too."""
    return tuple(
        output if output.bound is None else replace(output, bound=partial(_bound, output))
        for output in operator.outputs(case)
    )


def _bound(output: Output, case: Case, exact: Array, **more: Any) -> Array:
    assert output.bound is not None
    own = output.bound(case, exact, **more)
    values = np.abs(np.array(exact, np.float64))
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(own + UNIT * (values + own) + TINY)
