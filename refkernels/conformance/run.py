"""Hold one operator of a target to its kernel: draw cases, find a dissent, make it small."""

import re
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from refkernels.conformance.cases import find
from refkernels.conformance.corners import corners_of, fitted_to
from refkernels.conformance.dissent import Dissent
from refkernels.conformance.divergence import Divergence, declared
from refkernels.conformance.examine import Examiner, Moment
from refkernels.conformance.offers import Offers
from refkernels.conformance.parameters import Parameters
from refkernels.conformance.shrink import shrink
from refkernels.conformance.spec import DTYPES, INTEGERS, Case, Image, Operator
from refkernels.conformance.target import Target, TargetError

__all__ = ["ALL_DTYPES", "DTYPES", "Dissent", "Options", "Result", "check_operator"]

ALL_DTYPES = (*DTYPES, *INTEGERS)

# Each case is also run in one of the integer dtypes, with its reals multiplied by one of these.
FACTORS = (1, 64, 4096)

# How many different counterexamples are shown of one operator, how many failing cases are made
# small to find them, and how many of these may look alike.
SHOWN, GATHERED, ALIKE = 5, 12, 3

# After so many cases Hypothesis draws few that are new, and varies each of them; so it starts anew.
FRESH = 10


@dataclass(frozen=True)
class Options:
    """What to try.

    Parameters
    ----------
    max_examples : int
        Drawn cases per operator; each is run in every dtype, mode and context.
    seed : int
        What is drawn depends on it and the operator's name alone.
    dtypes : sequence of str
        Of float16, float32, float64, and int32, int64, uint8, of which each case has one in turn.
    contexts : sequence of str
        Restrict to these; empty for every one found.
    strict : bool
        Whether declared divergences are none.
    undeclared : sequence of str
        The ids of some that are none: whether they would be found.
    keep_going : bool
        Whether to go on after the first counterexample, and show several that differ.
    """

    max_examples: int = 100
    seed: int = 0
    dtypes: Sequence[str] = ALL_DTYPES
    contexts: Sequence[str] = ()
    strict: bool = False
    undeclared: Sequence[str] = ()
    keep_going: bool = False


@dataclass
class Result:
    """The verdict on one operator.

    Parameters
    ----------
    verdict : str
        One of `verdict.VERDICTS`.
    ambiguous : int
        Decisions that rounding alone made differ from the kernel's: neither passed nor failed.
    known : dict of str to int
        How many cases each declared divergence covered.
    accepted : dict of str to str
        What each of those that are declared says.
    remarks : dict of str to str
        What is worth knowing beside the verdict, by what it is: "prints".
    untried : dict of str to str
        What was not tried, and why: dtypes that the target refuses, laws that need other
        parameters, cases outside of what it says that it offers.
    note : str
        Why there is no better verdict.
    """

    operator: str
    verdict: str
    cases: int = 0
    real_cases: int = 0
    ambiguous: int = 0
    dtypes: Sequence[str] = ()
    modes: Sequence[str] = ()
    contexts: Sequence[str] = ()
    seconds: float = 0.0
    seed: int = 0
    dissents: list[Dissent] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    untried: dict[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def is_undefined(self) -> bool:
        """Whether the operator is there, but was asked for in dtypes that it is not defined in."""
        return self.verdict == "absent" and self.note.startswith("it is defined in")

    def as_json(self) -> dict[str, Any]:
        """Return it as what `json.dumps` takes, cases included but for large arrays."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**data, "dissents": [dissent.as_json() for dissent in self.dissents]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Result":
        """Restore what `as_json` gave."""
        return cls(**{**data, "dissents": [Dissent.from_json(d) for d in data["dissents"]]})


class _Found(Exception):
    """Carries a dissent out of a property test."""


def check_operator(
    name: str,
    target: Target,
    options: Options,
    images: Sequence[Image] = (),
    earlier: Sequence[Case] = (),
    progress: Callable[[int], None] = lambda count: None,
    watch: Callable[[Moment | None], None] = lambda moment: None,
    keep: Callable[[Dissent], Dissent] = lambda dissent: dissent,
    config: Mapping[str, Any] | None = None,
    divergences: Collection[Divergence] = (),
    offers: Offers | None = None,
) -> Result:
    """Hold one operator of a target to the kernel and the definition.

    Parameters
    ----------
    name : str
        The operator's.
    target : Target
        What is under test.
    options : Options
        What to try.
    images : sequence of Image
        Boxes and anchors that make further cases, after the drawn ones.
    earlier : sequence of Case
        Tried first.
    progress : callable
        Called with the number of cases done.
    watch : callable
        Called with a `Moment` before the target runs on a case, and with None when it is done.
    keep : callable
        Called with each counterexample when it is found; returns it, with where it is saved.
    config : mapping, optional
        What the target is built with: cases are drawn for these parameters alone.
    divergences : collection of Divergence
        Differences that are accepted, beside those that are declared of the target's package.
    offers : Offers, optional
        What the target offers; by default what it says itself.

    Returns
    -------
    Result
        With the smallest counterexample found for each dtype that has one.
    """
    operator = find(name)
    seed = options.seed ^ zlib.crc32(name.encode())
    started = time.perf_counter()
    try:
        missing = [need for need in operator.needs if target.find(need) is None]
        if missing:
            return Result(name, "absent", seed=options.seed, note=f"no {', '.join(missing)}")
        accepted = (*declared(target.module, name), *target.divergences(name), *divergences)
        accepted = () if options.strict else accepted
        accepted = tuple(d for d in accepted if d.id not in options.undeclared)
        parameters = Parameters(config, target.has_parameter(name))
        if offers is None:
            offers = target.offers(name)
        examiner = Examiner(operator, target, options.contexts, accepted, watch, parameters, offers)
        if config is None and (needed := _needed(operator, parameters)):
            own = f"a {name} has {needed}, which {target.place_of(name)}.{name} does not take"
            return Result(name, "error", seed=options.seed, note=f"{own}; give it as config")
    except (TargetError, ImportError) as error:
        return Result(name, "error", seed=options.seed, note=str(error))
    defined = (*operator.dtypes, *(INTEGERS if operator.takes_integers else ()))
    dtypes = [dtype for dtype in options.dtypes if dtype in defined and offers.has_dtype(dtype)]
    result = Result(
        name,
        "conforms",
        dtypes=dtypes,
        modes=tuple(examiner.modes),
        contexts=tuple(examiner.contexts),
        seed=options.seed,
    )
    if not dtypes:
        known = " and ".join(operator.dtypes)
        return Result(name, "absent", seed=options.seed, note=f"it is defined in {known} only")
    search = _Search(examiner, options, seed, earlier, images, result, progress)
    for dissent in search.several() if options.keep_going else search.one_by_dtype():
        result.dissents.append(keep(dissent))
    # What reals show is plainer than what integers do.
    result.dissents.sort(key=lambda dissent: dissent.dtype in INTEGERS)
    # Where every dtype fails, a law says nothing new.
    failing = {dissent.dtype for dissent in result.dissents}
    if options.keep_going or not failing >= {dtype for dtype in dtypes if dtype in DTYPES}:
        broken = examiner.examine_laws()
        if broken is not None:
            result.dissents.append(keep(broken))
    # A witness may need what is left undeclared; with all declared it is tried.
    stale = None if options.undeclared else examiner.find_stale()
    if stale is not None:
        result.dissents.append(stale)
    if result.dissents:
        result.verdict = result.dissents[0].kind
    elif accepted and result.verdict == "conforms":
        result.verdict = "known"
    result.dtypes = tuple(dtype for dtype in dtypes if dtype in DTYPES or dtype in examiner.taken)
    result.known = dict(examiner.known)
    result.accepted = {divergence.id: divergence.why for divergence in accepted}
    result.ambiguous = examiner.ambiguous
    result.untried = _untried(examiner)
    result.seconds = time.perf_counter() - started
    return result


def _needed(operator: Operator, parameters: Parameters) -> str:
    """Return the parameters without a default that the target does not have."""
    needed = [name for name in operator.required if not parameters.offered(name)]
    return ", ".join(needed)


def _untried(examiner: Examiner) -> dict[str, str]:
    """Return what was not tried, and why."""
    refused = examiner.refused
    untried = {f"{dtype} is refused": said for dtype, said in refused.items()}
    if set(refused) == set(INTEGERS):
        untried = {"integers are refused": next(iter(refused.values()))}
    untried |= {f"the law that {law}": why for law, why in examiner.untried.items()}
    if examiner.outside:
        untried[f"{examiner.outside} cases"] = "they are outside of what is offered"
    return untried


class _Search:
    """Looks for cases on which somebody dissents: earlier failures, drawn cases, corners, images."""

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

    def one_by_dtype(self) -> Iterator[Dissent]:
        """Yield the smallest counterexample for each dtype, and one for all integers."""
        remaining = list(self._result.dtypes)
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
            dissent = self._examine(case, origin, dtypes)
            alike = [_looks(other) for other in gathered].count(_looks(dissent)) if dissent else 0
            if dissent is not None and alike < ALIKE and len(gathered) < GATHERED:
                gathered.append(dissent)

        self._go_through(self._result.dtypes, gather, shrinks=False)
        seen: set[tuple[Any, ...]] = set()
        for dissent in gathered:
            smaller = self._shrunk(dissent)
            assert smaller.case is not None
            essence = (_looks(smaller), frozenset(smaller.case.config))
            if essence not in seen and len(seen) < SHOWN:
                seen.add(essence)
                yield smaller

    def _first(self, dtypes: Sequence[str]) -> Dissent | None:
        """Return the first dissent there is, in its smallest form."""
        found: list[Dissent] = []

        def examine(case: Case, origin: str, dtypes: Sequence[str]) -> None:
            # While a failure is made smaller, only its own dtype and mode have to be run.
            if found:
                dissent = self._again(found[-1], case, self._factor)
            else:
                dissent = self._examine(case, origin, dtypes)
            if dissent is not None:
                found.append(dissent)
                raise _Found

        with suppress(_Found):
            self._go_through(dtypes, examine, shrinks=True, found=found)
        return self._shrunk(found[-1]) if found else None

    def _go_through(
        self,
        dtypes: Sequence[str],
        examine: Callable[[Case, str, Sequence[str]], None],
        *,
        shrinks: bool,
        found: Sequence[Dissent] = (),
    ) -> None:
        """Examine all cases there are, until `examine` raises `_Found`."""
        result, operator, parameters = self._result, self._operator, self._examiner.parameters
        try:
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
        found: Sequence[Dissent],
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

    def _again(self, dissent: Dissent, case: Case, factor: float = 1) -> Dissent | None:
        """Examine another case where a dissent was found."""
        if dissent.dtype in INTEGERS:
            whole = case.as_whole(dissent.dtype, factor)
            if whole is None:
                return None
            case = whole
        return self._examiner.examine(case, dissent.origin, (dissent.dtype,), (dissent.mode,))

    def _shrunk(self, dissent: Dissent) -> Dissent:
        assert dissent.case is not None
        axes = self._operator.axes(dissent.case)
        _, smaller = shrink(dissent.case, axes, lambda case: self._again(dissent, case))
        return smaller or dissent


def _looks(dissent: Dissent) -> tuple[str, str, str]:
    """Return what a dissent has in common with others that differ from it in numbers alone."""
    return dissent.kind, dissent.law, re.sub(r"[-+]?[\d.]+(e[-+]?\d+)?|nan|inf", "#", dissent.what)


def _real_cases(operator: Operator, images: Sequence[Image]) -> Any:
    for image in images:
        for case in operator.annotated(image):
            yield case, image.name
