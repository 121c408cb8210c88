"""Try the scopes of an operator whole: what is found there is the smallest there is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from refkernels.arrays import Array
from refkernels.conformance.cases.scopes import scopes_of
from refkernels.conformance.engine.calling import prepare
from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.engine.failing import Failed
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.scope import Exhausted, Scope

__all__ = ["exhaust"]

ORIGIN = "a scope that is tried whole"


def exhaust(
    examiner: Examiner, dtype: str, seconds: float, *, whole: bool
) -> tuple[Dissent | None, Exhausted]:
    """Return the first input of the operator's scopes that dissents, or None, and what was tried.

    Parameters
    ----------
    examiner : Examiner
        What is under test.
    dtype : str
        In which the scopes are run.
    seconds : float
        After so long the sizes that are left are told, not tried.
    whole : bool
        Whether all sizes are tried, and not only the small ones.
    """
    done = Exhausted([], left=[])
    started = time.perf_counter()
    failed = set()
    for scope in scopes_of(examiner.operator.name, examiner.parameters, whole):
        if time.perf_counter() - started > seconds:
            failed.add(scope.size)
            continue
        if scope.size not in done.sizes:
            done.sizes.append(scope.size)
        for batch in scope.batches():
            dissent = _first(examiner, scope, batch, dtype)
            if isinstance(dissent, str):
                done.note = dissent
            elif dissent is not None:
                done.sizes.remove(scope.size)
                done.seconds = time.perf_counter() - started
                return dissent, done
            done.inputs += len(next(iter(batch.values())))
            if time.perf_counter() - started > seconds:
                failed.add(scope.size)
                break
    done.left = [size for size in done.sizes if size in failed]
    done.sizes = [size for size in done.sizes if size not in failed]
    done.left += sorted(failed - set(done.left))
    done.seconds = time.perf_counter() - started
    return None, done


def _first(
    examiner: Examiner, scope: Scope, batch: Mapping[str, Array], dtype: str
) -> Dissent | str | None:
    """Return what the first input of a batch shows that dissents, or None.

    Of what does not come again a sentence is returned that says so.
    """
    whole = Case(scope.config, batch)
    if not examiner.offers.covers(whole) or examiner.adapter.doing(whole, dtype):
        return None
    cast = whole.astype(dtype)
    is_known = any(divergence.when(cast) for divergence in examiner.divergences)
    if not is_known and _agrees(examiner, whole, cast, dtype):
        return None
    # Somewhere it does not, or may be known not to: one by one.
    for case in _singles(whole):
        dissent = examiner.examine(case, ORIGIN, (dtype,), examiner.plain_modes)
        if dissent is not None:
            return dissent
    dissent = examiner.examine(whole, ORIGIN, (dtype,), examiner.plain_modes)
    if dissent is not None or is_known:
        return dissent
    return "not reproducible: a batch of a scope passed when it was tried again"


def _agrees(examiner: Examiner, case: Case, cast: Case, dtype: str) -> bool:
    """Return whether the target does on a batch what the kernel does."""
    operator = examiner.operator
    reference = operator.refer(cast, ask_definition=False)
    for context in examiner.contexts:
        for mode in examiner.plain_modes:
            try:
                with examiner.watched(cast, case, dtype, mode, context, ORIGIN):
                    call = prepare(operator, examiner.target, case, mode, context)
                    outputs = call(*(array.copy() for array in cast.inputs.values()))
            except Failed:
                return False
            if operator.judge(cast, reference, outputs) is not None:
                return False
            examiner.ambiguous += operator.count_ambiguous(cast, reference, outputs)
    return True


def _singles(case: Case) -> Iterator[Case]:
    arrays: Any = case.inputs
    for i in range(len(next(iter(arrays.values())))):
        yield Case(case.config, {name: array[i] for name, array in arrays.items()})
