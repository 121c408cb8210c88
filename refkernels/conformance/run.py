"""Hold one operator of a target to its kernel: draw cases, find a dissent, make it small."""

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from refkernels.conformance.cases import find
from refkernels.conformance.corners import corners_of
from refkernels.conformance.counterexample import Budget, Counterexample
from refkernels.conformance.dissent import Dissent
from refkernels.conformance.divergence import declared
from refkernels.conformance.examine import Examiner, Moment
from refkernels.conformance.shrink import TimeIsUp
from refkernels.conformance.spec import Case, Image, Operator
from refkernels.conformance.target import Target, TargetError

__all__ = ["DTYPES", "Dissent", "Options", "Result", "check_operator"]

DTYPES = ("float16", "float32", "float64")

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
        Of float16, float32, float64.
    contexts : sequence of str
        Restrict to these; empty for every one found.
    strict : bool
        Whether declared divergences are none.
    undeclared : sequence of str
        The ids of some that are none: whether they would be found.
    shrink_seconds : float
        How long to make counterexamples of an operator smaller, all together.
    """

    max_examples: int = 100
    seed: int = 0
    dtypes: Sequence[str] = DTYPES
    contexts: Sequence[str] = ()
    strict: bool = False
    undeclared: Sequence[str] = ()
    shrink_seconds: float = 10


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
    remarks : dict of str to str
        What is worth knowing beside the verdict, by what it is: "prints", "shrinking".
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
    remarks: dict[str, str] = field(default_factory=dict)
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
        What the target was built with, if it is: only cases that go with it are tried, and no laws.

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
        divergences = () if options.strict else declared(target.module, name)
        divergences = tuple(d for d in divergences if d.id not in options.undeclared)
        examiner = Examiner(operator, target, options.contexts, divergences, watch, config)
    except (TargetError, ImportError) as error:
        return Result(name, "error", seed=options.seed, note=str(error))
    result = Result(
        name,
        "conforms",
        dtypes=tuple(dtype for dtype in options.dtypes if dtype in operator.dtypes),
        modes=tuple(examiner.modes),
        contexts=tuple(examiner.contexts),
        seed=options.seed,
    )
    if not result.dtypes:
        known = " and ".join(operator.dtypes)
        return Result(name, "absent", seed=options.seed, note=f"it is defined in {known} only")
    remaining = list(result.dtypes)
    budget = Budget(options.shrink_seconds)
    while remaining:
        # One counterexample for each dtype: what float16 shows often hides what float32 would.
        dissent = _search(
            examiner, options, remaining, seed, earlier, images, result, progress, budget
        )
        if dissent is None:
            break
        result.dissents.append(keep(dissent))
        remaining.remove(dissent.dtype)
    if budget.was_short:
        seconds = options.shrink_seconds
        result.remarks["shrinking"] = f"cut short, as it may take {seconds:g} s in all dtypes"
    # Where every dtype fails, a law says nothing new.
    if remaining and config is None:
        broken = examiner.examine_laws()
        if broken is not None:
            result.dissents.append(keep(broken))
    # A witness may need what is left undeclared; with all declared it is tried.
    stale = None if options.undeclared else examiner.find_stale()
    if stale is not None:
        result.dissents.append(stale)
    if result.dissents:
        result.verdict = result.dissents[0].kind
    elif divergences and result.verdict == "conforms":
        result.verdict = "known"
    result.known = dict(examiner.known)
    result.ambiguous = examiner.ambiguous
    result.seconds = time.perf_counter() - started
    return result


def _search(
    examiner: Examiner,
    options: Options,
    dtypes: Sequence[str],
    seed: int,
    earlier: Sequence[Case],
    images: Sequence[Image],
    result: Result,
    progress: Callable[[int], None],
    budget: Budget,
) -> Dissent | None:
    """Try earlier failures, drawn cases and images until one dissents; return its smallest form."""
    operator = examiner.operator
    found: list[Counterexample] = []

    def examine(case: Case, origin: str, own: Sequence[str] = dtypes) -> None:
        if not found:
            modes = examiner.modes_of(case, result.cases + result.real_cases)
            dissent = examiner.examine(case, origin, own, modes)
            if dissent is None:
                return
            budget.start(is_last=len(dtypes) == 1)
            found.append(Counterexample(examiner, case, dissent, own, budget))
        elif not found[0].fails(case):
            return
        raise _Found  # from one place: from another it is another failure to Hypothesis

    def draw(count: int, skipped: int, turn: int) -> None:
        calls = 0

        @hypothesis.seed(seed + (turn << 32))
        @settings(
            max_examples=count + skipped,
            database=None,
            deadline=None,
            derandomize=False,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        )
        @given(_cases(operator, examiner.config))
        def examine_drawn(case: Case) -> None:
            nonlocal calls
            calls += 1
            if calls <= skipped:
                return
            if not found:
                result.cases += 1
                progress(result.cases + result.real_cases)
            examine(case, f"drawn from seed {options.seed}")

        try:
            examine_drawn()
        except hypothesis.errors.Unsatisfiable:
            if turn == 0:
                raise

    try:
        for other in result.dissents:  # what fails in one dtype mostly fails in another
            if other.case is not None:
                examine(other.case, other.origin)
        for case in earlier:
            result.cases += 1
            examine(case, "a failure saved earlier")
        for turn, start in enumerate(range(0, options.max_examples, FRESH)):
            # Each time the first is the simplest case there is.
            draw(min(FRESH, options.max_examples - start), int(turn > 0), turn)
        for case, own in corners_of(operator, dtypes):
            result.cases += 1
            progress(result.cases + result.real_cases)
            examine(case, "a corner case", own)
        for case, origin in _real_cases(operator, images):
            result.real_cases += 1
            progress(result.cases + result.real_cases)
            examine(case, origin)
    except (_Found, TimeIsUp):
        pass
    except hypothesis.errors.Unsatisfiable:
        result.verdict, result.note = "error", f"no drawn case goes with {examiner.config}"
    except hypothesis.errors.FlakyFailure:
        result.note = "not reproducible: the same case passed when it was tried again"
    if not found:
        return None
    return found[0].shrink()


def _cases(operator: Operator, config: Mapping[str, Any] | None) -> SearchStrategy[Case]:
    """Return the strategy of an operator's cases, or of those that go with `config`."""
    if config is None:
        return operator.cases()

    def is_valid(case: Case) -> bool:
        try:
            operator.refer(case, ask_definition=False)
        except (TypeError, ValueError):
            return False
        return True

    return operator.cases().map(lambda case: replace(case, config=config)).filter(is_valid)


def _real_cases(operator: Operator, images: Sequence[Image]) -> Any:
    for image in images:
        for case in operator.annotated(image):
            yield case, image.name
