"""Run an operator's cases against a target: draw, compare, shrink, and say who dissents."""

import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings

from refkernels.arrays import Array
from refkernels.conformance.cases import find
from refkernels.conformance.shrink import shrink
from refkernels.conformance.spec import Case, Image, Law, Operator, Reference
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
    """

    max_examples: int = 100
    seed: int = 0
    dtypes: Sequence[str] = DTYPES
    contexts: Sequence[str] = ()


@dataclass(frozen=True)
class Dissent:
    """A case on which somebody differs.

    Parameters
    ----------
    who : str
        "target", "kernel" (it differs from the definition) or "both".
    what : str
        Where it differs and by how much.
    """

    who: str
    what: str
    dtype: str
    mode: str
    context: str
    paste: str
    origin: str

    def __str__(self) -> str:
        return f"{self.who} dissents ({self.dtype}, {self.mode}, {self.context}): {self.what}"


@dataclass
class Result:
    """The verdict on one operator.

    Parameters
    ----------
    verdict : str
        "conforms", "diverges", "absent", "crashes", "hangs" or "error".
    ambiguous : int
        Decisions that rounding alone made differ from the kernel's: neither passed nor failed.
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
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as what `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Result":
        """Restore what `as_json` gave."""
        dissents = [Dissent(**dissent) for dissent in data.pop("dissents")]
        return cls(**data, dissents=dissents)


class _Found(Exception):
    """Carries a dissent out of a property test."""


@dataclass
class _Examiner:
    """Runs single cases of one operator in every dtype, mode and context."""

    operator: Operator
    target: Target
    options: Options
    watch: Callable[[Case | None], None]
    modes: list[str] = field(init=False)
    contexts: list[str] = field(init=False)
    ambiguous: int = field(init=False)

    def __post_init__(self) -> None:
        name = self.operator.needs[0]
        adapter = self.target.adapter(name)
        self.modes = adapter.modes(self.target.find(name))
        self.ambiguous = 0
        found = adapter.contexts()
        wanted = self.options.contexts
        self.contexts = [c for c in found if not wanted or c in wanted]
        if not self.contexts:
            raise TargetError(
                f"none of the contexts {', '.join(wanted)} is there; found: {', '.join(found)}"
            )

    def examine(self, case: Case, origin: str, dtypes: Sequence[str]) -> Dissent | None:
        """Return the first dissent on `case`, or None.

        One block serves all dtypes of a mode, one after the other, as blocks do in use: state that
        it keeps from one call to the next shows here.
        """
        casts = [(dtype, case.astype(np.dtype(dtype))) for dtype in dtypes]
        references: dict[str, Reference] = {}
        for dtype, cast in casts:
            references[dtype] = self.operator.refer(cast)
            wrong = self.operator.judge_kernel(cast, references[dtype])
            if wrong is not None:
                return self._dissent("kernel", wrong.what, dtype, "call", "cpu", cast, origin)
        self.watch(case)
        try:
            return self._run(case, casts, references, origin)
        finally:
            self.watch(None)

    def _run(
        self,
        case: Case,
        casts: Sequence[tuple[str, Case]],
        references: dict[str, Reference],
        origin: str,
    ) -> Dissent | None:
        for context in self.contexts:
            for mode in self.modes:
                call: Any = None
                for dtype, cast in casts:
                    try:
                        if call is None:
                            call = self.operator.prepare(self.target, case, mode, context)
                        outputs = call(*(x.copy() for x in cast.inputs.values()))
                    except (Exception, SystemExit) as error:
                        what = f"raises {type(error).__name__}: {_first_lines(str(error))}"
                        return self._dissent("target", what, dtype, mode, context, cast, origin)
                    wrong = self.operator.judge(cast, references[dtype], outputs)
                    if wrong is not None:
                        who, what = self._arbitrate(cast, references[dtype], outputs, wrong.what)
                        return self._dissent(who, what, dtype, mode, context, cast, origin)
                    self.ambiguous += self.operator.count_ambiguous(
                        cast, references[dtype], outputs
                    )
        return None

    def examine_laws(self) -> Dissent | None:
        """Return the first law of the operator that the kernel or the target breaks, or None."""
        operator = self.operator

        def on_kernel(case: Case) -> tuple[Array, ...]:
            return operator.refer(case, ask_definition=False).kernel

        for law in operator.laws:
            if (what := law.check(on_kernel)) is not None:
                return self._broken(law, "kernel", what, "call", "cpu")
            for context in self.contexts:
                for mode in self.modes:

                    def on_target(
                        case: Case, mode: str = mode, context: str = context
                    ) -> tuple[Array, ...]:
                        self.watch(case)
                        try:
                            call = operator.prepare(self.target, case, mode, context)
                            return call(*case.inputs.values())
                        finally:
                            self.watch(None)

                    try:
                        what = law.check(on_target)
                    except (Exception, SystemExit) as error:
                        what = f"raises {type(error).__name__}: {_first_lines(str(error))}"
                    if what is not None:
                        return self._broken(law, "target", what, mode, context)
        return None

    def _broken(self, law: Law, who: str, what: str, mode: str, context: str) -> Dissent:
        paste = f"# {self.operator.name}: {law.name}"
        return Dissent(who, what, "float32", mode, context, paste, "a law")

    def _arbitrate(
        self, case: Case, reference: Reference, outputs: Any, what: str
    ) -> tuple[str, str]:
        """Where the definition was not asked yet, ask it who is wrong, if it can in good time."""
        if reference.exact is not None or sum(output.size for output in outputs) > 20_000:
            return "target", what
        reference = self.operator.refer(case, ask_definition=True)
        kernel = self.operator.judge_kernel(case, reference)
        target = self.operator.judge(case, reference, outputs)
        if kernel is None:
            return "target", what if target is None else target.what
        return ("kernel" if target is None else "both"), kernel.what

    def _dissent(
        self, who: str, what: str, dtype: str, mode: str, context: str, case: Case, origin: str
    ) -> Dissent:
        paste = self.operator.paste(self.target, case, mode, context)
        return Dissent(who, what, dtype, mode, context, paste, origin)


def check_operator(
    name: str,
    target: Target,
    options: Options,
    images: Sequence[Image] = (),
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
        examiner = _Examiner(operator, target, options, watch)
    except (TargetError, ImportError) as error:
        return Result(name, "error", seed=options.seed, note=str(error))
    result = Result(
        name,
        "conforms",
        dtypes=tuple(options.dtypes),
        modes=tuple(examiner.modes),
        contexts=tuple(examiner.contexts),
        seed=options.seed,
    )
    remaining = list(options.dtypes)
    while remaining:
        # One counterexample for each dtype: what float16 shows often hides what float32 would.
        dissent = _search(examiner, remaining, seed, images, result, progress)
        if dissent is None:
            break
        result.verdict = "diverges"
        result.dissents.append(dissent)
        remaining.remove(dissent.dtype)
    broken = examiner.examine_laws()
    if broken is not None:
        result.verdict = "diverges"
        result.dissents.append(broken)
    result.ambiguous = examiner.ambiguous
    result.seconds = time.perf_counter() - started
    return result


def _search(
    examiner: _Examiner,
    dtypes: Sequence[str],
    seed: int,
    images: Sequence[Image],
    result: Result,
    progress: Callable[[int], None],
) -> Dissent | None:
    """Draw cases, then take those of images, until one dissents; return the smallest like it."""
    operator = examiner.operator
    found: list[tuple[Case, Dissent]] = []

    def examine(case: Case, origin: str) -> None:
        dissent = examiner.examine(case, origin, dtypes)
        if dissent is not None:
            found.append((case, dissent))
            raise _Found

    @hypothesis.seed(seed)
    @settings(
        max_examples=examiner.options.max_examples,
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
        examine(case, f"drawn from seed {examiner.options.seed}")

    try:
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
        lambda candidate: examiner.examine(candidate, dissent.origin, (dissent.dtype,)),
    )
    return smaller or dissent


def _real_cases(operator: Operator, images: Sequence[Image]) -> Any:
    for image in images:
        for case in operator.annotated(image):
            yield case, image.name


def _first_lines(message: str) -> str:
    """Shorten a framework's stack trace to the line that says what is wrong."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("[bt]", "Stack trace", "Traceback"))]
    return " ".join(lines[-2:])[:300]
