"""Hold one operator of a target to its kernel: draw cases, find a dissent, make it small."""

import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from refkernels.conformance.cases import find
from refkernels.conformance.divergence import declared
from refkernels.conformance.examine import Dissent, Examiner
from refkernels.conformance.shrink import shrink
from refkernels.conformance.spec import Case, Image, Operator
from refkernels.conformance.target import Target, TargetError

__all__ = ["DTYPES", "Dissent", "Options", "Result", "check_operator"]

DTYPES = ("float16", "float32", "float64")


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
    """

    max_examples: int = 100
    seed: int = 0
    dtypes: Sequence[str] = DTYPES
    contexts: Sequence[str] = ()
    strict: bool = False


@dataclass
class Result:
    """The verdict on one operator.

    Parameters
    ----------
    verdict : str
        "conforms", "known" (it does outside declared divergences), "diverges", "stale" (a declared
        divergence has gone), "absent", "crashes", "hangs" or "error".
    ambiguous : int
        Decisions that rounding alone made differ from the kernel's: neither passed nor failed.
    known : dict of str to int
        How many cases each declared divergence covered.
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
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as what `json.dumps` takes; the dissents' cases are in the saved folders."""
        return asdict(replace(self, dissents=[replace(d, case=None) for d in self.dissents]))

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Result":
        """Restore what `as_json` gave."""
        dissents = [Dissent(**dissent) for dissent in data.pop("dissents")]
        return cls(**data, dissents=dissents)


class _Found(Exception):
    """Carries a dissent out of a property test."""


def check_operator(
    name: str,
    target: Target,
    options: Options,
    images: Sequence[Image] = (),
    earlier: Sequence[Case] = (),
    progress: Callable[[int], None] = lambda count: None,
    watch: Callable[[Case | None], None] = lambda case: None,
) -> Result:
    """Hold one operator of a target to the kernel and the definition.

    Parameters
    ----------
    name : str
        The operator's.
    target : Target
        The module under test.
    options : Options
        What to try.
    images : sequence of Image
        Boxes and anchors that make further cases, after the drawn ones.
    earlier : sequence of Case
        Tried first.
    progress : callable
        Called with the number of cases done.
    watch : callable
        Called with each case before the target runs on it, and with None when it is done.

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
        examiner = Examiner(operator, target, options.contexts, divergences, watch)
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
    while remaining:
        # One counterexample for each dtype: what float16 shows often hides what float32 would.
        dissent = _search(examiner, options, remaining, seed, earlier, images, result, progress)
        if dissent is None:
            break
        result.verdict = "diverges"
        result.dissents.append(dissent)
        remaining.remove(dissent.dtype)
    broken = None if divergences else examiner.examine_laws()
    if broken is not None:
        result.verdict = "diverges"
        result.dissents.append(broken)
    stale = examiner.find_stale()
    if stale is not None:
        result.dissents.append(stale)
    if result.verdict == "conforms" and divergences:
        result.verdict = "known" if stale is None else "stale"
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
) -> Dissent | None:
    """Try earlier failures, drawn cases and images until one dissents; return its smallest form."""
    operator = examiner.operator
    found: list[tuple[Case, Dissent]] = []

    def examine(case: Case, origin: str) -> None:
        # While a failure is made smaller, only its own mode has to be run.
        turn = result.cases + result.real_cases
        modes = [found[-1][1].mode] if found else examiner.modes_of(case, turn)
        dissent = examiner.examine(case, origin, dtypes, modes)
        if dissent is not None:
            found.append((case, dissent))
            raise _Found

    @hypothesis.seed(seed)
    @settings(
        max_examples=options.max_examples,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(operator.cases())
    def examine_drawn(case: Case) -> None:
        if not found:
            result.cases += 1
            progress(result.cases + result.real_cases)
        examine(case, f"drawn from seed {options.seed}")

    try:
        for case in earlier:
            result.cases += 1
            examine(case, "a failure saved earlier")
        examine_drawn()
        for case, origin in _real_cases(operator, images):
            result.real_cases += 1
            progress(result.cases + result.real_cases)
            examine(case, origin)
    except _Found:
        pass
    except hypothesis.errors.FlakyFailure:
        result.note = "not reproducible: the same case passed when it was tried again"
    if not found:
        return None
    case, dissent = found[-1]
    _, smaller = shrink(
        case,
        operator.axes(case),
        lambda candidate: examiner.examine(
            candidate, dissent.origin, (dissent.dtype,), (dissent.mode,)
        ),
    )
    return smaller or dissent


def _real_cases(operator: Operator, images: Sequence[Image]) -> Any:
    for image in images:
        for case in operator.annotated(image):
            yield case, image.name
