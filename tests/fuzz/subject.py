"""What the fuzzer has to know of an operator, beside what `refkernels.conformance` knows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases import find
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Reference
from tests.fuzz.calls import draw_call
from tests.fuzz.dice import Dice
from tests.fuzz.examine import Examined, examine
from tests.fuzz.given import Call, quiet
from tests.fuzz.parameters import Parameter
from tests.fuzz.shrink import cut_along_letters

__all__ = ["Batch", "Form", "Input", "Subject", "every"]

# The dtype and the shape of each output.
Form = tuple[tuple[Any, tuple[int, ...]], ...]


def every(case: Case, name: str) -> Array:
    """Return that all of an input is looked at."""
    return np.ones(case.inputs[name].shape, bool)


@dataclass(frozen=True)
class Input:
    """An argument of the call.

    Attributes
    ----------
    kind : {'real', 'limits', 'whole', 'labels', 'samples', 'signs', 'mask', 'count', 'shape'}
        Numbers, or those that may be infinite; whole numbers, or those whose dtype is that of an
        output; numbers of which it counts whether they are over 0.5 or below -0.5, or which must be
        1, -1 or 0; bools, or 0 and 1; one whole number of at least 0, no array; or something of
        which only the shape counts.
    ranks : tuple of int, optional
        The numbers of axes that it may have.
    minded : callable
        ``minded(case, name)`` returns where its numbers are looked at.
    optional : bool
        Whether None is fine.
    """

    kind: str = "real"
    ranks: tuple[int, ...] | None = None
    minded: Callable[[Case, str], Array] = every
    optional: bool = False

    @property
    def looks_at_all(self) -> bool:
        """Whether all numbers are looked at; where not, a message of another kind says so."""
        return self.minded is every


class Batch(NamedTuple):
    """Where the images of a batch are.

    `axes` holds the batch axis of each input and whether all images share its one entry; an input
    that is not in it has none. `outputs` is the batch axis of each output. `single` is the
    configuration for one image without a batch axis, where it is another one; `alone` says whether
    there is such a form.
    """

    size: int
    axes: Mapping[str, tuple[int, bool]]
    outputs: int = 0
    single: Mapping[str, Any] | None = None
    alone: bool = True

    def part(self, case: Case, images: Any) -> Case:
        """Return a case of some images: a batch of them, or for an int one without batch axis."""
        alone = isinstance(images, int)
        inputs = dict(case.inputs)
        for name, (axis, shared) in self.axes.items():
            array = inputs[name]
            if shared:
                inputs[name] = array.take(0, axis) if alone else array
            else:
                inputs[name] = array.take(images, axis)
        config = self.single if alone and self.single is not None else case.config
        return Case(config, inputs)


@dataclass(frozen=True)
class Subject:
    """An operator as the fuzzer calls it.

    Attributes
    ----------
    name : str
        As in the API.
    draw : callable
        Draws a valid case: parameters and arrays in native byte order and C order.
    parameters : mapping of str to Parameter
    inputs : mapping of str to Input
        In the order of the call.
    form : callable
        ``form(case)`` returns what SPEC section 0 says of the outputs.
    batch : callable
        ``batch(case)`` returns where the images are, None if there are none.
    comparable : callable
        Whether the definition and its bounds hold for a case: that no intermediate result
        overflows.
    spoil : callable, optional
        Returns a call with parameters or inputs that do not go together, or None.
    letters : callable, optional
        A letter for each axis of each input, where it takes others than `refkernels.conformance`
        draws: equal letters have equal lengths, that of ``#`` is fixed.
    random : bool
        Whether it takes `rng`.
    blames : str
        What an error may begin with instead of an argument's name, as a regular expression.
    written : str
        A call as Python, with `{config}` and `{arguments}`.
    """

    name: str
    draw: Callable[[Dice], Case]
    parameters: Mapping[str, Parameter]
    inputs: Mapping[str, Input]
    form: Callable[[Case], Form]
    batch: Callable[[Case], Batch | None] = lambda case: None
    comparable: Callable[[Case], bool] = lambda case: True
    spoil: Callable[[Dice, Call], Call | None] = lambda dice, call: None
    letters: Callable[[Case], Mapping[str, str]] | None = None
    random: bool = False
    blames: str = ""
    written: str = ""

    def __post_init__(self) -> None:
        if not self.written:
            written = f"print(refkernels.{self.name}({{config}})({{arguments}}))"
            object.__setattr__(self, "written", written)

    @cached_property
    def operator(self) -> Any:
        """What the conformance engine knows of it."""
        found = find(self.name)
        return replace(found, outputs=_bounded(found.outputs)) if found.outputs else found

    def axes(self, case: Case) -> Mapping[str, str]:
        """Return a letter for each axis of each input; equal letters have equal lengths."""
        axes = self.operator.axes if self.letters is None else self.letters
        return axes(case)

    def build(self, config: Mapping[str, Any]) -> Callable[..., Any]:
        """Build the operator."""
        return self.operator.kernel(**config)

    def call(self, seed: int, number: int) -> Call:
        """Draw a call, valid or wrong."""
        with quiet():
            return self.draw_call(Dice(seed, number))

    def draw_call(self, dice: Dice) -> Call:
        """Draw a call, valid or wrong."""
        return draw_call(self, dice)

    def examine(self, call: Call) -> Examined:
        """Make a call, and say what is wrong with what becomes of it."""
        return examine(call)

    def cuts(self, call: Call) -> Iterator[Call]:
        """Yield smaller calls."""
        return cut_along_letters(call)

    def dissent(self, case: Case, outputs: tuple[Array, ...]) -> Disagreement | None:
        """Hold outputs to the definition."""
        exact = self.operator.define(case)
        return self.operator.judge_kernel(case, Reference(exact, outputs))

    def with_reals(self, case: Case) -> Case:
        """Return a case with float64 for integers that stand for reals, as definitions take it."""
        return Case(case.config, {k: self._real(k, x) for k, x in case.inputs.items()})

    def _real(self, name: str, array: Array) -> Array:
        """Return integers where reals are meant as the float64 that they become."""
        whole = self.inputs[name].kind in ("real", "limits") and array.dtype.kind != "f"
        return array.astype(np.float64) if whole else array


# Any finite number lies within it.
UNBOUNDED = float(np.finfo(np.float64).max)


def _bounded(outputs: Callable[[Case], tuple[Any, ...]]) -> Callable[[Case], tuple[Any, ...]]:
    """Return a function of a case's outputs whose bounds are numbers, whatever the input.

    Bounds are computed in float64, in which those of extreme input overflow.
    """

    def bounded(bound: Any) -> Any:
        def error(case: Case, exact: Array) -> Array:
            if not exact.size:
                return np.zeros(exact.shape)
            with np.errstate(all="ignore"):
                found = bound(case, exact)
            return np.where(np.isfinite(found), found, UNBOUNDED)

        return error

    def of_case(case: Case) -> tuple[Any, ...]:
        return tuple(
            output if output.bound is None else replace(output, bound=bounded(output.bound))
            for output in outputs(case)
        )

    return of_case
