"""Run single cases of an operator in every dtype, mode and context, and say who dissents."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.divergence import Divergence
from refkernels.conformance.spec import Case, Law, Operator, Reference
from refkernels.conformance.target import Target, TargetError

__all__ = ["Dissent", "Examiner"]

# One by one, the images of a batch must come out as they do together.
BY_IMAGE = "by image"

# These take long, or seldom differ from the plain modes: each case is run in one of them.
SIDE_MODES = ("sliced", "strided", "exported", BY_IMAGE)

# The definition answers who is wrong about outputs of up to this many elements.
ARBITRATION_LIMIT = 20_000


@dataclass(frozen=True)
class Dissent:
    """A case on which somebody differs.

    Parameters
    ----------
    who : str
        "target", "kernel" (it differs from the definition) or "both", or "declaration" (it says
        that the target differs where it conforms).
    what : str
        Where it differs and by how much.
    case : Case or None
        The case, before it is cast to `dtype`; None for a law.
    saved : str
        The folder it is saved in, once it is.
    """

    who: str
    what: str
    dtype: str
    mode: str
    context: str
    paste: str
    origin: str
    case: Case | None = field(default=None, compare=False, repr=False)
    saved: str = ""

    def __str__(self) -> str:
        return f"{self.who} dissents ({self.dtype}, {self.mode}, {self.context}): {self.what}"


@dataclass
class Examiner:
    """What is under test, and how.

    Parameters
    ----------
    operator : Operator
        How the operator is judged.
    target : Target
        Where it comes from.
    contexts : sequence of str
        Restrict to these; empty for every one found.
    divergences : sequence of Divergence
        Declared for the operator: cases they cover are not run.
    watch : callable
        Called with each case before the target runs on it, and with None when it is done.

    Attributes
    ----------
    modes : list of str
        How the operator can be run.
    ambiguous : int
        Decisions so far that rounding alone made differ from the kernel's.
    known : Counter
        How many cases each declared divergence has covered.
    """

    operator: Operator
    target: Target
    contexts: Sequence[str] = ()
    divergences: Sequence[Divergence] = ()
    watch: Callable[[Case | None], None] = lambda case: None
    modes: list[str] = field(init=False)
    ambiguous: int = field(init=False, default=0)
    known: Counter[str] = field(init=False, default_factory=Counter)

    def __post_init__(self) -> None:
        name = self.operator.needs[0]
        adapter = self.target.adapter(name)
        self.modes = adapter.modes(self.target.find(name))
        found, wanted = adapter.contexts(), self.contexts
        self.contexts = [context for context in found if not wanted or context in wanted]
        if not self.contexts:
            raise TargetError(
                f"none of the contexts {', '.join(wanted)} is there; found: {', '.join(found)}"
            )

    def modes_of(self, case: Case, turn: int) -> list[str]:
        """Return the modes of a drawn case: the plain ones, and the others turn by turn."""
        plain = [mode for mode in self.modes if mode not in SIDE_MODES]
        side = [mode for mode in self._all_modes(case) if mode in SIDE_MODES]
        return plain + ([side[turn % len(side)]] if side else [])

    def _all_modes(self, case: Case) -> list[str]:
        batched = _batch_size(self.operator, case) > 1
        return [*self.modes, BY_IMAGE] if batched else self.modes

    def examine(
        self,
        case: Case,
        origin: str,
        dtypes: Sequence[str],
        modes: Sequence[str] | None = None,
    ) -> Dissent | None:
        """Return the first dissent on `case`, in all modes or these, or None.

        One block serves all dtypes of a mode, one after the other, as blocks do in use: state that
        it keeps from one call to the next shows here.
        """
        casts: list[tuple[str, Case, Reference]] = []
        for dtype in dtypes:
            cast = case.astype(np.dtype(dtype))
            reference = self.operator.refer(cast)
            wrong = self.operator.judge_kernel(cast, reference)
            if wrong is not None:
                return self._dissent("kernel", wrong.what, dtype, "call", "cpu", case, origin)
            covering = [d.id for d in self.divergences if d.when(cast)]
            self.known.update(covering)
            if not covering:
                casts.append((dtype, cast, reference))
        if not casts:
            return None
        self.watch(case)
        try:
            return self._run(case, casts, self._all_modes(case) if modes is None else modes, origin)
        finally:
            self.watch(None)

    def _run(
        self,
        case: Case,
        casts: Sequence[tuple[str, Case, Reference]],
        modes: Sequence[str],
        origin: str,
    ) -> Dissent | None:
        for context in self.contexts:
            for mode in modes:
                call: Any = None
                for dtype, cast, reference in casts:
                    try:
                        if call is None:
                            call = self._prepare(case, mode, context)
                        outputs = call(*(x.copy() for x in cast.inputs.values()))
                    except (Exception, SystemExit) as error:
                        what = f"raises {type(error).__name__}: {_first_lines(str(error))}"
                        return self._dissent("target", what, dtype, mode, context, case, origin)
                    wrong = self.operator.judge(cast, reference, outputs)
                    if wrong is not None:
                        who, what = self._arbitrate(cast, reference, outputs, wrong.what)
                        return self._dissent(who, what, dtype, mode, context, case, origin)
                    self.ambiguous += self.operator.count_ambiguous(cast, reference, outputs)
        return None

    def _prepare(self, case: Case, mode: str, context: str) -> Callable[..., tuple[Array, ...]]:
        if mode != BY_IMAGE:
            return self.operator.prepare(self.target, case, mode, context)
        call = self.operator.prepare(self.target, case, self.modes[0], context)
        axes = self.operator.axes(case)
        size = _batch_size(self.operator, case)

        def run(*inputs: Array) -> tuple[Array, ...]:
            images = []
            for b in range(size):
                own = [
                    np.take(array, [b], axes[name].index("B")) if "B" in axes[name] else array
                    for name, array in zip(case.inputs, inputs, strict=True)
                ]
                images.append(call(*own))
            return tuple(np.concatenate(parts) for parts in zip(*images, strict=True))

        return run

    def examine_laws(self) -> Dissent | None:
        """Return the first law of the operator that the kernel or the target breaks, or None."""
        operator = self.operator

        def on_kernel(case: Case) -> tuple[Array, ...]:
            return operator.refer(case, ask_definition=False).kernel

        for law in operator.laws:
            if (what := law.check(on_kernel)) is not None:
                return _broken(operator, law, "kernel", what, "call", "cpu")
            for context in self.contexts:
                for mode in self.modes:
                    if mode in SIDE_MODES:
                        continue

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
                        return _broken(operator, law, "target", what, mode, context)
        return None

    def find_stale(self) -> Dissent | None:
        """Return a declared divergence whose witness conforms, or that does not cover it."""
        declarations, self.divergences = self.divergences, ()
        try:
            for divergence in declarations:
                witness = divergence.witness
                cast = witness.astype(np.dtype(divergence.dtype))
                if not divergence.when(cast):
                    what = f"{divergence.id} does not cover its own witness"
                elif self.examine(witness, divergence.id, (divergence.dtype,)) is None:
                    what = f"{divergence.id} is stale: its witness conforms"
                else:
                    continue
                return self._dissent(
                    "declaration",
                    what,
                    divergence.dtype,
                    self.modes[0],
                    self.contexts[0],
                    witness,
                    divergence.id,
                )
        finally:
            self.divergences = declarations
        return None

    def _arbitrate(
        self, case: Case, reference: Reference, outputs: Any, what: str
    ) -> tuple[str, str]:
        """Where the definition was not asked yet, ask it who is wrong, if it can in good time."""
        size = sum(output.size for output in outputs)
        if reference.exact is not None or size > ARBITRATION_LIMIT:
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
        cast = case.astype(np.dtype(dtype))
        plain = self.modes[0] if mode == BY_IMAGE else mode
        paste = self.operator.paste(self.target, cast, plain, context)
        return Dissent(who, what, dtype, mode, context, paste, origin, case)


def _broken(operator: Operator, law: Law, who: str, what: str, mode: str, context: str) -> Dissent:
    what = f"breaks the law that {law.name}: {what}"
    return Dissent(who, what, "float32", mode, context, f"# {operator.name}", "a law")


def _batch_size(operator: Operator, case: Case) -> int:
    """Return the number of images of a case; 1 if it has no batch axis, or not one for all."""
    axes = operator.axes(case)
    sizes = {
        array.shape[axes[name].index("B")]
        for name, array in case.inputs.items()
        if "B" in axes.get(name, "")
    }
    front = all(axes.get(name, "")[:1] in ("B", "1") for name in case.inputs)
    return sizes.pop() if len(sizes) == 1 and front else 1


def _first_lines(message: str) -> str:
    """Shorten a framework's stack trace to the line that says what is wrong."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(("[bt]", "Stack trace", "Traceback"))]
    return " ".join(lines[-2:])[:300]
