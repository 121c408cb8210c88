"""Try the scopes of an operator whole: what is found there is the smallest there is."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter  # itself: a target may replace it where it is

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
    search = _Exhaustion(examiner, dtype, perf_counter() + seconds)
    done = search.done
    started, unfinished = perf_counter(), dict[str, None]()
    dissent = None
    for scope in scopes_of(examiner.operator.name, examiner.parameters, whole):
        if not search.has(scope):
            continue
        try:
            dissent = search.first(scope)
        except _TimeIsUp:
            unfinished[scope.size] = None
        if dissent is not None:
            unfinished[scope.size] = None
            break
        sizes = done.fewer if scope.fewer else done.sizes
        if scope.size not in sizes:
            sizes.append(scope.size)
    done.sizes = [size for size in done.sizes if size not in unfinished]
    done.fewer = [size for size in done.fewer if size not in unfinished]
    done.left = [] if dissent is not None else list(unfinished)
    done.seconds = perf_counter() - started
    return dissent, done


class _TimeIsUp(Exception):
    """Ends a scope that takes too long."""


class _Exhaustion:
    """Goes through scopes until a time that is set."""

    def __init__(self, examiner: Examiner, dtype: str, end: float) -> None:
        self._examiner, self._dtype, self._end = examiner, dtype, end
        self.done = Exhausted([], dtype)

    def has(self, scope: Scope) -> bool:
        """Return whether the inputs of a scope go with its parameters, which may be fixed ones."""
        case = next(scope.singles(next(scope.batches()))).astype(self._dtype)
        try:
            self._examiner.operator.refer(case, ask_definition=False)
        except ValueError:
            return False
        return True

    def first(self, scope: Scope) -> Dissent | None:
        """Return the first input of a scope that dissents, or None."""
        if perf_counter() > self._end:
            raise _TimeIsUp
        for batch in scope.batches():
            dissent = self._of_batch(scope, batch)
            if dissent is not None:
                return dissent
            if perf_counter() > self._end:
                raise _TimeIsUp
        return None

    def _of_batch(self, scope: Scope, batch: Mapping[str, Array]) -> Dissent | None:
        whole, is_whole = scope.case(batch), False
        if scope.stacked and not self._is_left_out(whole):
            is_whole = True
            if self._agrees(whole):
                self.done.inputs += len(next(iter(batch.values())))
                return None
        # Somewhere it does not, or is not to be tried: one by one.
        for case in scope.singles(batch):
            if self._is_left_out(case):
                self.done.left_out += 1
            else:
                self.done.inputs += 1
            dissent = self._of_one(scope, case)
            if dissent is not None:
                return dissent
            if not is_whole and perf_counter() > self._end:
                raise _TimeIsUp
        dissent = self._examine(whole) if is_whole else None
        if is_whole and dissent is None:
            self.done.note = "not reproducible: a batch of a scope passed when it was tried again"
        return dissent

    def _of_one(self, scope: Scope, case: Case) -> Dissent | None:
        # All modes are gone through where nothing else tells that there is a difference.
        if not scope.stacked and not self._is_left_out(case) and self._agrees(case):
            return None
        return self._examine(case)

    def _agrees(self, case: Case) -> bool:
        return _agrees(self._examiner, case, case.astype(self._dtype), self._dtype)

    def _examine(self, case: Case) -> Dissent | None:
        return self._examiner.examine(case, ORIGIN, (self._dtype,), self._examiner.plain_modes)

    def _is_left_out(self, case: Case) -> bool:
        """Return whether some of a case is outside of what is offered, or known to differ."""
        examiner, cast = self._examiner, case.astype(self._dtype)
        if not (examiner.offers.covers(case) and examiner.offers.covers(cast)):
            return True
        is_known = any(divergence.when(cast) for divergence in examiner.divergences)
        return is_known or bool(examiner.adapter.doing(cast, self._dtype))


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
