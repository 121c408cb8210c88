"""Run single cases of an operator in every dtype, mode and context, and say who dissents."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.engine.calling import paste, prepare
from refkernels.conformance.engine.cast import Cast
from refkernels.conformance.engine.failing import Failed, failure
from refkernels.conformance.engine.guard import guarded
from refkernels.conformance.engine.half import cast_to_bfloat16
from refkernels.conformance.engine.laws import first_broken
from refkernels.conformance.model.bfloat16 import BFLOAT16, joined
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.model.operator import INTEGERS, Case, Operator, Reference
from refkernels.conformance.model.parameters import FREE, Parameters
from refkernels.conformance.targets.adapter import Adapter, TargetError
from refkernels.conformance.targets.offering import EVERYTHING, Offers
from refkernels.conformance.targets.target import Target

__all__ = ["SIDE_MODES", "Dissent", "Examiner", "Moment"]

# One by one, the images of a batch must come out as they do together.
BY_IMAGE = "by image"

# Where layers compute float32 in half precision; of decisions nothing may change.
AUTOCAST = "autocast"

# So many images are run alone, if the batch has more the others together: it may have a hundred.
ALONE = 4

# These take long, or seldom differ from the plain modes: each case is run in one of them.
SIDE_MODES = ("sliced", "strided", "exported", AUTOCAST, BY_IMAGE)

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
    parameters : Parameters
        Those that the target has, and which of them are fixed.
    offers : Offers
        What the target says that it offers: cases outside are not run.

    Attributes
    ----------
    adapter : Adapter
        That of the target's framework.
    modes : list of str
        How the operator can be run.
    ambiguous : int
        Decisions so far that rounding alone made differ from the kernel's.
    known : Counter
        How many cases each declared divergence has covered.
    refused : dict of str to str
        The integer dtypes that the target does not take, and what it says to them.
    taken : set of str
        The dtypes in which it has run.
    untried : dict of str to str
        What was not tried, laws among it, and why.
    calls : dict of str to str
        For each declared divergence that has shown itself, its witness to be pasted into Python.
    outside : int
        How many cases lie outside of what the target says that it offers.
    doings : Counter
        What the framework itself does to numbers, and in how many cases, which are not run.
    arbitrates : bool
        Whether the definition is asked who is wrong about a large case; else it is the target.
    """

    operator: Operator
    target: Target
    contexts: Sequence[str] = ()
    divergences: Sequence[Divergence] = ()
    watch: Callable[[Moment | None], None] = lambda moment: None
    parameters: Parameters = FREE
    offers: Offers = EVERYTHING
    adapter: Adapter = field(init=False)
    modes: list[str] = field(init=False)
    ambiguous: int = field(init=False, default=0)
    known: Counter[str] = field(init=False, default_factory=Counter)
    refused: dict[str, str] = field(init=False, default_factory=dict)
    untried: dict[str, str] = field(init=False, default_factory=dict)
    calls: dict[str, str] = field(init=False, default_factory=dict)
    outside: int = field(init=False, default=0)
    doings: Counter[str] = field(init=False, default_factory=Counter)
    taken: set[str] = field(init=False, default_factory=set)
    arbitrates: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        name = self.operator.needs[0]
        self.adapter = self.target.adapter(name)
        self.modes = self.adapter.modes(self.target.find(name))
        if self.operator.calling != "arrays":  # a layer is to compute in half precision there
            self.modes = [mode for mode in self.modes if mode != AUTOCAST]
        found, wanted = self.adapter.contexts(), self.contexts
        self.contexts = [context for context in found if not wanted or context in wanted]
        if not self.contexts:
            raise TargetError(
                f"none of the contexts {', '.join(wanted)} is there; found: {', '.join(found)}"
            )

    @property
    def plain_modes(self) -> list[str]:
        """Those in which every case is run."""
        return [mode for mode in self.modes if mode not in SIDE_MODES]

    def modes_of(self, case: Case, turn: int) -> list[str]:
        """Return the modes of a drawn case: the plain ones, and the others turn by turn.

        Of a chain, whose operators are tried in all of them, each mode has its turn.
        """
        every = self._all_modes(case)
        if self.operator.is_chain:
            return [every[turn % len(every)]]
        plain = self.plain_modes
        side = [mode for mode in every if mode in SIDE_MODES]
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
        if not self.parameters.allow(case.config):
            return None
        if not self.offers.covers(case):
            self.outside += 1
            return None
        extra = [name for name in self.operator.optional if name in case.inputs]
        if extra and not self.target.takes(self.operator.name, list(case.inputs)):
            self.untried[", ".join(extra)] = "its call takes no such input"
            return None
        casts: list[Cast] = []
        for dtype in dtypes:
            cast, given = self._cast(case, dtype)
            if cast is None or given is None:
                continue
            if not self.offers.covers(given):  # a cast may have made equal what was not
                self.outside += 1
                continue
            doing = self.adapter.doing(given, dtype)
            if doing:
                self.doings[doing] += 1
                continue
            reference = self.operator.refer(cast)
            wrong = self.operator.judge_kernel(cast, reference)
            if wrong is not None:
                return self.dissent(
                    "kernel", wrong.kind, wrong.what, dtype, "call", "cpu", case, origin
                )
            covering = [d for d in self.divergences if d.when(given)]
            self.known.update(d.id for d in covering)
            if all(d.modes for d in covering):
                known = {mode for d in covering for mode in d.modes}
                casts.append(Cast(dtype, cast, given, reference, known, set()))
        if not casts:
            return None
        return self._run(case, casts, self._all_modes(case) if modes is None else modes, origin)

    def _cast(self, case: Case, dtype: str) -> tuple[Case | None, Case | None]:
        """Return a case in a dtype, and what the target is given of it; None if it has none."""
        if dtype == BFLOAT16:
            return cast_to_bfloat16(self.operator, case, self.doings)
        if dtype not in INTEGERS:
            cast = case.astype(dtype)
            return cast, cast
        whole = None if dtype in self.refused else case.as_whole(dtype)
        return whole, None if whole is None else whole.astype(dtype)

    def _run(
        self,
        case: Case,
        casts: Sequence[Cast],
        modes: Sequence[str],
        origin: str,
    ) -> Dissent | None:
        for context in self.contexts:
            for mode in modes:
                call: Any = None
                for own in casts:
                    dtype, cast, given, reference, known, _ = own
                    if mode in known or (mode == AUTOCAST and not _is_single(given)):
                        continue
                    dissent = partial(
                        self.dissent,
                        dtype=dtype,
                        mode=mode,
                        context=context,
                        case=case,
                        origin=origin,
                    )
                    try:
                        with self.watched(given, case, dtype, mode, context, origin):
                            if call is None:
                                call = self._prepare(case, mode, context)
                            outputs = call(*(x.copy() for x in given.inputs.values()))
                    except Failed as failed:
                        if self._is_refusal(failed, dtype):
                            continue
                        return dissent("target", failed.kind, failed.what)
                    self.taken.add(dtype)
                    wrong = own.judge(self.operator, outputs)
                    if wrong is not None and dtype in (*INTEGERS, BFLOAT16):
                        return dissent("target", wrong.kind, wrong.what)
                    if wrong is not None:
                        return dissent(*self._arbitrate(cast, reference, outputs, wrong))
                    self.ambiguous += self.operator.count_ambiguous(cast, reference, outputs)
        return None

    def _is_refusal(self, failed: Failed, dtype: str) -> bool:
        """Return whether the target says that it does not take integers, and remember it."""
        if dtype not in INTEGERS or dtype in self.taken or not failed.is_refusal:
            return False
        self.refused[dtype] = failed.said.removeprefix("raises ")
        return True

    @contextmanager
    def watched(
        self, cast: Case, case: Case, dtype: str, mode: str, context: str, origin: str
    ) -> Iterator[None]:
        """Run the target's code in the body: watched, and with what it raises as `Failed`."""
        paste = partial(self._paste, cast, mode, context)
        self.watch(Moment(case, dtype, mode, context, origin, paste))
        try:
            with guarded():
                yield
        except KeyboardInterrupt:  # nobody's fault
            raise
        except BaseException as error:
            # What it says is asked for now: if no answer comes, that is a hang of this case.
            raise Failed(*failure(error, cast), error) from None
        finally:
            self.watch(None)

    def _prepare(self, case: Case, mode: str, context: str) -> Callable[..., tuple[Array, ...]]:
        if mode != BY_IMAGE:
            return prepare(self.operator, self.target, case, mode, context)
        call = prepare(self.operator, self.target, case, self.modes[0], context)
        axes = self.operator.axes(case)
        size = _batch_size(self.operator, case)
        alone, together = range(size)[:ALONE], list(range(size)[ALONE:])

        def run(*inputs: Array) -> tuple[Array, ...]:
            """Return the outputs of a batch whose first images are given one by one."""
            parts = []
            for images in [*([b] for b in alone), *([together] if together else [])]:
                own = [
                    np.take(array, images, axes[name].index("B")) if "B" in axes[name] else array
                    for name, array in zip(case.inputs, inputs, strict=True)
                ]
                parts.append(call(*own))
            return tuple(joined(own, np.concatenate) for own in zip(*parts, strict=True))

        return run

    def examine_laws(self, name: str = "") -> Dissent | None:
        """Return the first law of the operator that the target, or the kernel too, breaks, or None.

        With a name, that law alone is tried.
        """
        return first_broken(self, name)

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

    def _given(self, case: Case, dtype: str) -> Case:
        """Return what the target is given of a case in a dtype."""
        given = self._cast(case, dtype)[1]
        return case if given is None else given

    def dissent(
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
        """Return a dissent on a case, with what is pasted of it."""
        paste = self._paste(self._given(case, dtype), mode, context)
        return Dissent(who, kind, what, dtype, mode, context, paste, origin, case=case)

    def _paste(self, cast: Case, mode: str, context: str) -> str:
        # One by one is what a single image shows; and the kernel has a mode and place of its own.
        mode = mode if mode in self.modes else self.modes[0]
        context = context if context in self.contexts else self.contexts[0]
        return paste(self.operator, self.target, cast, mode, context)


def _is_single(case: Case) -> bool:
    """Return whether all reals are float32, of which autocast makes half precision."""
    return all(x.dtype == np.float32 for x in case.inputs.values() if x.dtype.kind == "f")


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
