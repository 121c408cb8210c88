"""One counterexample: from the case that fails first to the smallest that fails like it."""

from collections.abc import Sequence
from contextlib import suppress
from time import monotonic  # itself: a target may replace it where it is
from typing import TYPE_CHECKING

from refkernels.conformance.engine.shrink import Search, TimeIsUp
from refkernels.conformance.model.operator import Case
from refkernels.conformance.model.plain import Plainness

if TYPE_CHECKING:
    from refkernels.conformance.engine.examine import Examiner
    from refkernels.conformance.model.dissent import Dissent

__all__ = ["Budget", "Counterexample"]

# Of the time for a counterexample, what Hypothesis may take of it.
HYPOTHESIS = 0.4

# Of the time that is left, what a counterexample may take of it before the last one.
FIRST = 0.6


class Budget:
    """The time there is to make counterexamples smaller.

    Parameters
    ----------
    seconds : float
        For all of them together.

    Attributes
    ----------
    was_short : bool
        Whether there was more to try for one.
    """

    def __init__(self, seconds: float) -> None:
        self.was_short = False
        self._left, self._share, self._started = seconds, 0.0, 0.0

    def start(self, *, is_last: bool) -> None:
        """Begin with one counterexample; those after it start from where it ends."""
        part = 1 if is_last else FIRST
        self._started, self._share = monotonic(), self._left * part

    def is_over(self, part: float = 1) -> bool:
        """Return whether this part of the time for the current counterexample is over."""
        return monotonic() - self._started >= part * self._share

    def stop(self) -> None:
        """End with a counterexample; what it has not taken of its time is for the next."""
        self._left = max(0.0, self._left - (monotonic() - self._started))


class Counterexample:
    """A case that fails, made smaller step by step.

    Parameters
    ----------
    examiner : Examiner
        Who says whether a case fails.
    case : Case
        One that does.
    dissent : Dissent
        What was said of it.
    dtypes : sequence of str
        Those it was run in, one after the other.
    budget : Budget
        Its time, which has begun.

    Attributes
    ----------
    dtype : str
        That it was found in.
    """

    def __init__(
        self,
        examiner: "Examiner",
        case: Case,
        dissent: "Dissent",
        dtypes: Sequence[str],
        budget: Budget,
    ) -> None:
        self._examiner, self._first, self._budget = examiner, dissent, budget
        self.dtype, self._mode = dissent.dtype, dissent.mode
        # It may take the dtypes before it, if the target keeps something of them.
        self._dtypes = tuple(dtypes[: dtypes.index(dissent.dtype) + 1])
        if len(self._dtypes) > 1 and self._examine(case, self._dtypes[-1:]) is not None:
            self._dtypes = self._dtypes[-1:]
        self._search = Search(
            case,
            dissent,
            examiner.operator.axes,
            lambda case: self._examine(case, self._dtypes),
            Plainness(examiner.operator, dissent.dtype),
            budget.is_over,
        )
        self._limit, self._is_standard = self._search.oddness, False
        with suppress(TimeIsUp):
            self._prefer_plain_mode()
            self._is_standard = self._search.replace()

    def fails(self, case: Case) -> bool:
        """Return whether a case that Hypothesis tries fails like the first one.

        Raises
        ------
        TimeIsUp
            When it has had its part of the time, or if it has nothing to add.
        """
        if self._is_standard or self._budget.is_over(HYPOTHESIS):
            raise TimeIsUp
        # Hypothesis takes the same answer for granted when it asks again: this must not depend on
        # what was found meanwhile.
        if self._search.oddness_of(case) > self._limit:
            return False
        dissent = self._examine(case, self._dtypes)
        if dissent is not None:
            self._search.take(case, dissent)
        return dissent is not None

    def shrink(self) -> "Dissent":
        """Make it as small as can be in the time that is left, and return what is said of it."""
        try:
            self._search.run()
            self._prefer_plain_mode()
        except TimeIsUp:
            self._budget.was_short = True
        dissent: Dissent = self._search.failure
        self._budget.stop()
        if dissent is self._first:
            return dissent
        # Who is wrong is asked of the last case alone: of a large one it takes long.
        modes = (dissent.mode,)
        last = self._examiner.examine(self._search.case, dissent.origin, self._dtypes, modes)
        return last or dissent

    def _prefer_plain_mode(self) -> None:
        """Go on in the first mode in which it fails too."""
        modes = self._examiner.modes
        for mode in modes[: modes.index(self._mode)] if self._mode in modes else modes:
            if self._budget.is_over():
                raise TimeIsUp
            dissent = self._examine(self._search.case, self._dtypes, mode)
            if dissent is not None:
                self._mode, self._search.failure = mode, dissent
                return

    def _examine(self, case: Case, dtypes: Sequence[str], mode: str = "") -> "Dissent | None":
        first = self._first
        self._examiner.arbitrates = False
        try:
            dissent = self._examiner.examine(case, first.origin, dtypes, (mode or self._mode,))
        finally:
            self._examiner.arbitrates = True
        if dissent is None:
            return None
        same = (dissent.who, dissent.kind, dissent.dtype) == (first.who, first.kind, first.dtype)
        return dissent if same else None  # else something else is wrong
