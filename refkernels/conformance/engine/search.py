"""Look for cases on which somebody dissents, and make those that are found small."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from refkernels.conformance.cases.corners import corners_of, fitted_to
from refkernels.conformance.engine.counterexample import Budget, Counterexample
from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.engine.shrink import TimeIsUp
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.operator import DTYPES, INTEGERS, Case, Image, Operator
from refkernels.conformance.model.result import Options, Result

__all__ = ["Search"]

# Each case is also run in one of the integer dtypes, with its reals multiplied by one of these.
FACTORS = (1.0, 64.0, 4096.0)

# How many different counterexamples are shown of one operator, how many failing cases are made
# small to find them, and how many of these may look alike.
SHOWN, GATHERED, ALIKE = 5, 12, 3

# After so many cases Hypothesis draws few that are new, and varies each of them; so it starts anew.
FRESH = 10


class _Found(Exception):
    """Ends a search at what it has found."""


class Search:
    """Looks for cases on which somebody dissents: earlier failures, drawn ones, corners, images."""

    def __init__(
        self,
        examiner: Examiner,
        options: Options,
        seed: int,
        earlier: Sequence[Case],
        images: Sequence[Image],
        result: Result,
        progress: Callable[[int], None],
    ) -> None:
        self._examiner, self._options, self._seed = examiner, options, seed
        self._earlier, self._images = earlier, images
        self._result, self._progress = result, progress
        self._operator = examiner.operator
        self._factor = 1.0
        self.budget = Budget(options.shrink_seconds)

    def one_by_dtype(self) -> Iterator[Dissent]:
        """Yield the smallest counterexample for each dtype, and one for all integers."""
        found = {dissent.dtype for dissent in self._result.dissents}
        remaining = [dtype for dtype in self._result.dtypes if dtype not in found]
        while remaining:
            # What float16 shows often hides what float32 would.
            dissent = self._first(remaining)
            if dissent is None:
                return
            yield dissent
            gone = INTEGERS if dissent.dtype in INTEGERS else (dissent.dtype,)
            remaining = [dtype for dtype in remaining if dtype not in gone]

    def several(self) -> Iterator[Dissent]:
        """Yield small counterexamples that differ in more than their numbers."""
        gathered: list[Dissent] = []

        def gather(case: Case, origin: str, dtypes: Sequence[str]) -> None:
            """Examine a case, and keep its dissent while there are few, and few like it."""
            dissent = self._examine(case, origin, dtypes)
            alike = [_looks(other) for other in gathered].count(_looks(dissent)) if dissent else 0
            if dissent is not None and alike < ALIKE and len(gathered) < GATHERED:
                gathered.append(dissent)

        self._go_through(self._result.dtypes, gather, shrinks=False)
        seen: set[tuple[Any, ...]] = set()
        for i, dissent in enumerate(gathered):
            smaller = self._counterexample(dissent, i == len(gathered) - 1).shrink()
            assert smaller.case is not None
            essence = (_looks(smaller), frozenset(smaller.case.config))
            if essence not in seen and len(seen) < SHOWN:
                seen.add(essence)
                yield smaller

    def _first(self, dtypes: Sequence[str]) -> Dissent | None:
        """Return the first dissent there is, in its smallest form."""
        found: list[Counterexample] = []
        is_last = len([dtype for dtype in dtypes if dtype in DTYPES]) <= 1

        def examine(case: Case, origin: str, dtypes: Sequence[str]) -> None:
            """Raise `_Found` at the first dissent there is, and at cases that fail as that does."""
            if not found:
                dissent = self._examine(case, origin, dtypes)
                if dissent is None:
                    return
                found.append(self._counterexample(dissent, is_last, dtypes))
            elif not self._fails_too(found[0], case):
                return
            raise _Found  # from one place: from another it is another failure to Hypothesis

        with suppress(_Found, TimeIsUp):
            self._go_through(dtypes, examine, shrinks=True, found=found)
        return found[0].shrink() if found else None

    def _counterexample(
        self, dissent: Dissent, is_last: bool, dtypes: Sequence[str] = ()
    ) -> Counterexample:
        assert dissent.case is not None
        reals = [dtype for dtype in dtypes if dtype in DTYPES]
        own = reals if dissent.dtype in reals else [dissent.dtype]
        self.budget.start(is_last=is_last)
        return Counterexample(self._examiner, dissent.case, dissent, own, self.budget)

    def _fails_too(self, counterexample: Counterexample, case: Case) -> bool:
        """Return whether another drawn case fails like the first one did, in its dtype."""
        if counterexample.dtype not in INTEGERS:
            return counterexample.fails(case)
        whole = case.as_whole(counterexample.dtype, self._factor)
        if whole is None or not self._can_be_whole(whole):
            return False
        return counterexample.fails(whole)

    def _go_through(
        self,
        dtypes: Sequence[str],
        examine: Callable[[Case, str, Sequence[str]], None],
        *,
        shrinks: bool,
        found: Sequence[Counterexample] = (),
    ) -> None:
        """Examine all cases there are, until `examine` raises `_Found`."""
        result, operator, parameters = self._result, self._operator, self._examiner.parameters
        try:
            for other in result.dissents:  # what fails in one dtype mostly fails in another
                if other.case is not None and other.dtype not in INTEGERS:
                    examine(other.case, other.origin, dtypes)
            for case in self._earlier:
                fitted = fitted_to(operator, case, parameters)
                if fitted is not None:
                    result.cases += 1
                    examine(fitted, "a failure saved earlier", dtypes)
            for turn, start in enumerate(range(0, self._options.max_examples, FRESH)):
                # Each time the first is the simplest case there is.
                count = min(FRESH, self._options.max_examples - start)
                self._draw(count, turn, dtypes, examine, shrinks, found)
            for case, own in corners_of(operator, dtypes, parameters):
                self._count()
                examine(case, "a corner case", own)
            for case, origin in _real_cases(operator, self._images):
                fitted = fitted_to(operator, case, parameters)
                if fitted is not None:
                    result.real_cases += 1
                    self._progress(result.cases + result.real_cases)
                    examine(fitted, origin, dtypes)
        except hypothesis.errors.Unsatisfiable:
            own = "with what is offered" if parameters.fixed is None else f"with {parameters.fixed}"
            if result.scope:  # which is more than nothing
                self._examiner.untried["drawn cases"] = f"none goes {own}"
            else:
                result.verdict, result.note = "error", f"no drawn case goes {own}"
        except hypothesis.errors.FlakyFailure:
            result.note = "not reproducible: the same case passed when it was tried again"

    def _draw(
        self,
        count: int,
        turn: int,
        dtypes: Sequence[str],
        examine: Callable[[Case, str, Sequence[str]], None],
        shrinks: bool,
        found: Sequence[Counterexample],
    ) -> None:
        skipped = int(turn > 0)  # the simplest case there is
        calls = 0

        @hypothesis.seed(self._seed + (turn << 32))
        @settings(
            max_examples=count + skipped,
            database=None,
            deadline=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *([Phase.shrink] if shrinks else [])],
        )
        @given(self._operator.cases(self._examiner.parameters).filter(self._is_valid))
        def examine_drawn(case: Case) -> None:
            """Examine a drawn case, but for the first, the simplest, after the first turn."""
            nonlocal calls
            calls += 1
            if calls <= skipped:
                return
            if not found:
                self._count()
            examine(case, f"drawn from seed {self._options.seed}", dtypes)

        try:
            examine_drawn()
        except hypothesis.errors.Unsatisfiable:
            if turn == 0:
                raise

    def _is_valid(self, case: Case) -> bool:
        """Return whether the target offers to take a case, and with fixed parameters the kernel."""
        if not self._examiner.offers.covers(case):
            return False
        if self._examiner.parameters.fixed is None:
            return True
        try:
            self._operator.refer(case, ask_definition=False)
        except (TypeError, ValueError):
            return False
        return True

    def _count(self) -> None:
        self._result.cases += 1
        self._progress(self._result.cases + self._result.real_cases)

    def _examine(self, case: Case, origin: str, dtypes: Sequence[str]) -> Dissent | None:
        """Examine a case in every dtype of reals, and in one of integers."""
        turn = self._result.cases + self._result.real_cases
        modes = self._examiner.modes_of(case, turn)
        reals = [dtype for dtype in dtypes if dtype not in INTEGERS]
        self._factor = 1.0
        dissent = self._examiner.examine(case, origin, reals, modes) if reals else None
        whole = [dtype for dtype in dtypes if dtype in INTEGERS]
        if dissent is not None or not whole:
            return dissent
        dtype = whole[turn % len(whole)]
        self._factor = FACTORS[turn // len(whole) % len(FACTORS)]
        integral = case.as_whole(dtype, self._factor)
        if integral is None or not self._can_be_whole(integral):
            return None
        return self._examiner.examine(integral, origin, (dtype,), self._examiner.modes[:1])

    def _can_be_whole(self, case: Case) -> bool:
        """Return whether the operator takes a case after its reals were rounded."""
        try:
            self._operator.refer(case, ask_definition=False)
        except (TypeError, ValueError):
            return False
        return True


def _looks(dissent: Dissent) -> tuple[str, str, str]:
    """Return what a dissent has in common with others that differ from it in numbers alone."""
    return dissent.kind, dissent.law, re.sub(r"[-+]?[\d.]+(e[-+]?\d+)?|nan|inf", "#", dissent.what)


def _real_cases(operator: Operator, images: Sequence[Image]) -> Any:
    for image in images:
        for case in operator.annotated(image):
            yield case, image.name
