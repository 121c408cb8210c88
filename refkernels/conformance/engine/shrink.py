"""Make a counterexample small and plain: go from a case that fails to a smaller one.

Whole cases that are plain are tried first, then less of the case that there is: fewer boxes and
images, parameters at their defaults, smaller numbers. It never goes from a plain case (`plain`) to
one that is odder.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np

from refkernels.conformance.engine.smaller import (
    VALUES_LIMIT,
    at_defaults,
    keep_rows,
    length_of,
    one_image,
    plainer_parameters,
    plainer_values,
    rounded,
    size_of,
    usual_dtypes,
)
from refkernels.conformance.model.operator import Case

__all__ = ["Search", "TimeIsUp"]

# So many parts of an axis are tried in vain before smaller ones are.
PATIENCE = 40


class TimeIsUp(BaseException):
    """Ends a search early; it is no `Exception`, which Hypothesis would take for a failure."""


class Ranking(Protocol):
    """What `Plainness` offers; whatever ranks cases will do."""

    def oddness(self, case: Case) -> Any:
        """How odd a case is; less is better."""

    def standard(self, config: Mapping[str, Any]) -> Iterable[Case]:
        """Plain cases, some with these parameters."""

    def ordinary(self, case: Case) -> Iterable[Case]:
        """Cases of the same shapes whose boxes are ordinary."""

    def plainer(self, case: Case) -> Iterable[Case]:
        """Cases of which a part is ordinary that is not."""

    def nearer(self, case: Case) -> Iterable[Case]:
        """Cases whose boxes are moved or scaled."""


class Search:
    """Goes from a case to a smaller one for as long as there is one that fails.

    Parameters
    ----------
    case : Case
        One that fails.
    failure : object
        What is said of it.
    axes : callable
        ``axes(case)`` returns for each input a letter per axis; entries along equal letters are
        removed together.
    examine : callable
        Returns the failure of a case, or None if it passes.
    plainness : Plainness
        Says which cases are odder than others, and what to try in the place of those.
    is_over : callable
        Whether to stop trying.

    Attributes
    ----------
    case : Case
        The smallest that fails so far.
    failure : object
        What is said of this one.
    oddness : tuple
        How far it is from a plain one.
    """

    def __init__(
        self,
        case: Case,
        failure: Any,
        axes: Callable[[Case], Mapping[str, str]],
        examine: Callable[[Case], Any],
        plainness: Ranking,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self.case, self.failure, self.oddness = case, failure, plainness.oddness(case)
        self._axes, self._examine, self._is_over = axes, examine, is_over
        self._plainness = plainness
        self._tried = {_key(case)}

    def take(self, case: Case, failure: Any) -> None:
        """Go on from a case that is found to fail, if it is less than the one that there is."""
        oddness = self._plainness.oddness(case)
        if self._is_less(case, oddness):
            self.case, self.failure, self.oddness = case, failure, oddness

    def oddness_of(self, case: Case) -> Any:
        """Return how far another case is from a plain one."""
        return self._plainness.oddness(case)

    def replace(self) -> bool:
        """Try whole cases that are plain, and return whether one of them fails.

        Raises
        ------
        TimeIsUp
            If it is; the smallest case so far is kept.
        """
        cases = self._plainness.standard(self.case.config)
        return any(self._attempt(case, must_be_less=True) for case in cases)

    def run(self) -> None:
        """Try everything until nothing changes.

        Raises
        ------
        TimeIsUp
            If it is; the smallest case so far is kept.
        """
        for candidate in self._plainness.ordinary(self.case):
            self._attempt(candidate, must_be_less=True)
        self._pass(self._plainness.plainer)
        before = None
        while self.case is not before:
            before = self.case
            self._pass(lambda case: one_image(case, self._axes(case)))
            for letter in self._letters():
                self._drop_rows(letter)
            self._pass(self._plainness.plainer)
            self._pass(at_defaults)
            self._pass(plainer_parameters)
            self._pass(usual_dtypes)
            self._pass(self._plainness.nearer, must_be_less=True)
            self._pass(rounded)
            for name, array in self.case.inputs.items():
                for place in np.ndindex(array.shape if array.size <= VALUES_LIMIT else (0,)):
                    self._pass(partial(plainer_values, name=name, place=place))

    def _pass(
        self, candidates: Callable[[Case], Iterable[Case]], *, must_be_less: bool = False
    ) -> None:
        """Go on from the first candidate that fails, as long as there is one."""
        while any(self._attempt(candidate, must_be_less) for candidate in candidates(self.case)):
            pass

    def _letters(self) -> list[str]:
        letters = {letter for own in self._axes(self.case).values() for letter in own}
        return sorted(filter(str.isalpha, letters))

    def _drop_rows(self, letter: str) -> None:
        """Drop what is not needed along a letter: large parts first, then single entries."""
        step = length_of(self.case, self._axes(self.case), letter) // 2
        while step:
            start = failures = 0
            while failures < PATIENCE:
                axes = self._axes(self.case)
                length = length_of(self.case, axes, letter)
                if start >= length or step >= length:
                    break
                keep = np.r_[0:start, min(start + step, length) : length]
                if not self._attempt(keep_rows(self.case, axes, letter, keep)):
                    start, failures = start + step, failures + 1
            step //= 2

    def _attempt(self, candidate: Case, must_be_less: bool = False) -> bool:
        """Go on from a case if it fails and is no odder than the one that there is."""
        if self._is_over():
            raise TimeIsUp
        key = _key(candidate)
        if key in self._tried:
            return False
        self._tried.add(key)
        try:
            oddness = self._plainness.oddness(candidate)
            if oddness > self.oddness or (must_be_less and not self._is_less(candidate, oddness)):
                return False
            failure = self._examine(candidate)
        except Exception:  # it may break a precondition of the operator: then it is no case
            return False
        if failure is None:
            return False
        self.case, self.failure, self.oddness = candidate, failure, oddness
        return True

    def _is_less(self, case: Case, oddness: Any) -> bool:
        return bool((oddness, size_of(case)) < (self.oddness, size_of(self.case)))


def _key(case: Case) -> int:
    parts = ((x.dtype.str, x.shape, x.tobytes()) for x in case.inputs.values())
    return hash((repr(case.config), *parts))
