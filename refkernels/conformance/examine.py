"""Run single cases of an operator in every dtype, mode and context, and say who dissents."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.adapters import InputsChanged
from refkernels.conformance.compare import Disagreement
from refkernels.conformance.dissent import Dissent
from refkernels.conformance.divergence import Divergence
from refkernels.conformance.guard import TargetInterrupt, guarded
from refkernels.conformance.outputs import OutputError
from refkernels.conformance.quoting import error_text, represented
from refkernels.conformance.spec import Case, Law, Operator, Reference
from refkernels.conformance.target import Target, TargetError
from refkernels.conformance.witness import conforms_elsewhere

__all__ = ["Dissent", "Examiner", "Moment"]

# One by one, the images of a batch must come out as they do together.
BY_IMAGE = "by image"

# These take long, or seldom differ from the plain modes: each case is run in one of them.
SIDE_MODES = ("sliced", "strided", "exported", BY_IMAGE)

# A law has a dtype only so that it has a place among the results.
LAW_DTYPE = "float32"

# The definition answers who is wrong about outputs, and from inputs, of up to so many elements.
ARBITRATION_LIMIT = 20_000
ARBITRATION_INPUT_LIMIT = 1_000_000


class Moment(NamedTuple):
    """What the target is at: a case, as it is before it is cast to `dtype`.

    `paste` returns Python that does the same.
    """

    case: Case
    dtype: str
    mode: str
    context: str
    origin: str
    paste: Callable[[], str]


class _Cast(NamedTuple):
    """A case cast to a dtype, with what must come of it, and the modes in which it does not."""

    dtype: str
    case: Case
    reference: Reference
    known: Set[str]


class _Covered(Exception):
    """A law runs a case in which the target is known to differ."""


class _Failed(Exception):
    """The target raises, leaves or writes to its inputs: the kind of it, and what to say of it."""


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
        Called with a `Moment` before the target runs on a case, and with None when it is done.
    config : mapping, optional
        The parameters that the target was built with, if it is: cases with others are not run.

    Attributes
    ----------
    modes : list of str
        How the operator can be run.
    ambiguous : int
        Decisions so far that rounding alone made differ from the kernel's.
    known : Counter
        How many cases each declared divergence has covered.
    arbitrates : bool
        Whether the definition is asked who is wrong about a large case; else it is the target.
    """

    operator: Operator
    target: Target
    contexts: Sequence[str] = ()
    divergences: Sequence[Divergence] = ()
    watch: Callable[[Moment | None], None] = lambda moment: None
    config: Mapping[str, Any] | None = None
    modes: list[str] = field(init=False)
    ambiguous: int = field(init=False, default=0)
    known: Counter[str] = field(init=False, default_factory=Counter)
    arbitrates: bool = field(init=False, default=True)

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
        if self.config is not None and case.config != self.config:
            return None
        casts: list[_Cast] = []
        for dtype in dtypes:
            cast = case.astype(np.dtype(dtype))
            reference = self.operator.refer(cast)
            wrong = self.operator.judge_kernel(cast, reference)
            if wrong is not None:
                return self._dissent(
                    "kernel", wrong.kind, wrong.what, dtype, "call", "cpu", case, origin
                )
            covering = [d for d in self.divergences if d.when(cast)]
            self.known.update(d.id for d in covering)
            if all(d.modes for d in covering):
                known = {mode for d in covering for mode in d.modes}
                casts.append(_Cast(dtype, cast, reference, known))
        if not casts:
            return None
        return self._run(case, casts, self._all_modes(case) if modes is None else modes, origin)

    def _run(
        self,
        case: Case,
        casts: Sequence[_Cast],
        modes: Sequence[str],
        origin: str,
    ) -> Dissent | None:
        for context in self.contexts:
            for mode in modes:
                call: Any = None
                for dtype, cast, reference, known in casts:
                    if mode in known:
                        continue
                    dissent = partial(
                        self._dissent,
                        dtype=dtype,
                        mode=mode,
                        context=context,
                        case=case,
                        origin=origin,
                    )
                    try:
                        with self._watched(cast, case, dtype, mode, context, origin):
                            if call is None:
                                call = self._prepare(case, mode, context)
                            outputs = call(*(x.copy() for x in cast.inputs.values()))
                    except _Failed as failed:
                        return dissent("target", *failed.args)
                    wrong = self.operator.judge(cast, reference, outputs)
                    if wrong is not None:
                        return dissent(*self._arbitrate(cast, reference, outputs, wrong))
                    self.ambiguous += self.operator.count_ambiguous(cast, reference, outputs)
        return None

    @contextmanager
    def _watched(
        self, cast: Case, case: Case, dtype: str, mode: str, context: str, origin: str
    ) -> Iterator[None]:
        paste = partial(self._paste, cast, mode, context)
        self.watch(Moment(case, dtype, mode, context, origin, paste))
        try:
            with guarded():
                yield
        except KeyboardInterrupt:  # nobody's fault
            raise
        except BaseException as error:
            # What it says is asked for now: if no answer comes, that is a hang of this case.
            raise _Failed(*_failure(error, cast)) from None
        finally:
            self.watch(None)

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

    def examine_laws(self, name: str = "") -> Dissent | None:
        """Return the first law of the operator that the kernel or the target breaks, or None.

        With a name, that law alone is tried.
        """
        operator = self.operator

        for law in operator.laws:
            if name not in ("", law.name):
                continue
            if (what := law.check(operator.run_kernel)) is not None:
                return self._broken(law, "kernel", "breaks a law", what, "call", "cpu")
            for context in self.contexts:
                for mode in self.modes:
                    if mode in SIDE_MODES:
                        continue

                    def on_target(
                        case: Case,
                        seed: int | None = None,
                        mode: str = mode,
                        context: str = context,
                    ) -> tuple[Array, ...]:
                        covering = [d for d in self.divergences if d.when(case)]
                        if any(not d.modes or mode in d.modes for d in covering):
                            self.known.update(d.id for d in covering)
                            raise _Covered
                        with self._watched(case, case, LAW_DTYPE, mode, context, "a law"):
                            call = operator.prepare(self.target, case, mode, context)
                            keywords = {} if seed is None else {"seed": seed}
                            return call(*(x.copy() for x in case.inputs.values()), **keywords)

                    kind = "breaks a law"
                    try:
                        what = law.check(on_target)
                    except _Covered:
                        continue
                    except _Failed as failed:
                        kind, what = failed.args
                    except KeyboardInterrupt:
                        raise
                    except BaseException as error:  # of what a law makes of the outputs
                        kind, what = _failure(error, Case({}, {}))
                    if what is not None:
                        return self._broken(law, "target", kind, what, mode, context)
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
                elif self._conforms(divergence):
                    what = f"{divergence.id} is stale: its witness conforms"
                else:
                    continue
                return self._dissent(
                    "declaration",
                    "stale",
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

    def _conforms(self, divergence: Divergence) -> bool:
        """Return whether the witness of a divergence does not differ."""
        if divergence.fatal:
            return conforms_elsewhere(divergence, self.target.module)
        dtypes, modes = (divergence.dtype,), divergence.modes or None
        return self.examine(divergence.witness, divergence.id, dtypes, modes) is None

    def _arbitrate(
        self, case: Case, reference: Reference, outputs: Any, wrong: Disagreement
    ) -> tuple[str, str, str]:
        """Where the definition was not asked yet, ask it who is wrong, if it can in good time.

        Returns who, how (the kind) and what.
        """
        size = sum(output.size for output in outputs)
        given = sum(array.size for array in case.inputs.values())
        is_large = size > ARBITRATION_LIMIT or given > ARBITRATION_INPUT_LIMIT
        if reference.exact is not None or is_large or not self.arbitrates:
            return "target", wrong.kind, wrong.what
        reference = self.operator.refer(case, ask_definition=True)
        kernel = self.operator.judge_kernel(case, reference)
        target = self.operator.judge(case, reference, outputs)
        if kernel is None:
            wrong = wrong if target is None else target
            return "target", wrong.kind, wrong.what
        return ("kernel" if target is None else "both"), kernel.kind, kernel.what

    def _dissent(
        self,
        who: str,
        kind: str,
        what: str,
        dtype: str,
        mode: str,
        context: str,
        case: Case,
        origin: str,
    ) -> Dissent:
        paste = self._paste(case.astype(np.dtype(dtype)), mode, context)
        return Dissent(who, kind, what, dtype, mode, context, paste, origin, case=case)

    def _broken(self, law: Law, who: str, kind: str, what: str, mode: str, context: str) -> Dissent:
        what = f"breaks the law that {law.name}: {what}"
        paste = "\n".join(
            [
                "from refkernels.conformance.cases import find",
                "from refkernels.conformance.examine import Examiner",
                "from refkernels.conformance.target import Target",
                f"operator, target = find({self.operator.name!r}), Target({self.target.module!r})",
                f"print(Examiner(operator, target).examine_laws({law.name!r}))",
            ]
        )
        return Dissent(who, kind, what, LAW_DTYPE, mode, context, paste, "a law", law.name)

    def _paste(self, cast: Case, mode: str, context: str) -> str:
        # One by one is what a single image shows; and the kernel has a mode and place of its own.
        mode = mode if mode in self.modes else self.modes[0]
        context = context if context in self.contexts else self.contexts[0]
        return self.operator.paste(self.target, cast, mode, context)


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


def _failure(error: BaseException, case: Case) -> tuple[str, str]:
    """Return the kind of a failure that came as an exception, and what to say of it."""
    try:
        raise error  # an except looks at the class alone, whatever the object says that it is
    except InputsChanged as changed:
        name = changed.name or [*case.inputs, "an input"][min(changed.position, len(case.inputs))]
        return "inputs changed", f"{name}{changed}"
    except OutputError as no_array:
        return "wrong outputs", str(no_array)
    except SystemExit as leaving:
        code = vars(SystemExit)["code"].__get__(leaving)
        return "exits", f"calls sys.exit({represented(code)})"
    except TargetInterrupt as interrupt:
        return "raises", f"raises {error_text(interrupt.__cause__ or interrupt)}"
    except BaseException as other:
        return "raises", f"raises {error_text(other)}"
