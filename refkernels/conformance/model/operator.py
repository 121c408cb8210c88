"""What the engine has to know of an operator, and what a case of it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.conformance.model.case import DTYPES, INTEGERS, Case, Image, Recipe
from refkernels.conformance.model.compare import (
    Disagreement,
    compare_exact,
    compare_real,
    wrong_form,
)
from refkernels.conformance.model.law import Law
from refkernels.conformance.model.outputs import as_outputs
from refkernels.conformance.model.parameters import FREE, Parameters
from refkernels.conformance.model.plain import without_extent

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


__all__ = [
    "DTYPES",
    "INTEGERS",
    "Case",
    "Image",
    "Law",
    "Operator",
    "Output",
    "Recipe",
    "Reference",
    "as_outputs",
    "is_small",
]

# Above this many elements of output or input the definition, in plain Python, is asked only after a
# dissent.
OUTPUT_LIMIT, INPUT_LIMIT = 400, 2000


@dataclass(frozen=True)
class Output:
    """One output of an operator: its name, and how far a real one may be from the exact value.

    Parameters
    ----------
    name : str
        For messages.
    bound : callable or None
        ``bound(case, exact) -> absolute error allowed, per element`` (`bounds`); None where the
        value must be equal.
    index : bool
        Whether it holds whole numbers, compared by value whatever their dtype.
    free : callable or None
        ``free(case)`` marks elements that may be anything: a step on the way to them overflows.
    """

    name: str
    bound: Callable[..., Array] | None = None
    index: bool = False
    free: Callable[[Case], Array] | None = None

    @classmethod
    def bounded(
        cls,
        name: str,
        bound: Callable[..., Array],
        free: Callable[[Case], Array] | None = None,
    ) -> Output:
        """Return an output whose bound is a function of the operator's inputs and parameters."""
        own = signature(bound).parameters

        def of(case: Case, exact: Array, **more: Any) -> Array:
            """Return the bound of a case, from what it depends on."""
            given = {**case.inputs, **case.config, **more}
            return bound(**{key: value for key, value in given.items() if key in own})

        return cls(name, of, free=free)

    def with_reciprocals(self, names: frozenset[str]) -> Output:
        """Return it with the bound of code that has some of the parameters as reciprocals."""
        if self.bound is None or not names:
            return self
        return replace(self, bound=partial(self.bound, reciprocals=names))


@dataclass(frozen=True)
class Reference:
    """What a case's outputs must be: exact values, or if they were not asked for, the kernel's."""

    exact: tuple[Array, ...] | None
    kernel: tuple[Array, ...]
    _bounds: dict[int, Any] = field(default_factory=dict)

    def bound(self, number: int, reckon: Callable[[], Any]) -> Any:
        """Return what bounds the errors of an output, by its number: once, for all modes."""
        if number not in self._bounds:
            self._bounds[number] = reckon()
        return self._bounds[number]


def relabelled(case: Case, config: Mapping[str, Any]) -> Case | None:
    """Return a case with another configuration: its inputs go with any."""
    return replace(case, config=config)


@dataclass(frozen=True)
class Operator:
    """How an operator of the API is drawn, referred to and judged.

    Parameters
    ----------
    name : str
        As in the API.
    family : str
        The twin modules' name: bbox, matcher, sampler, coder, predictor or feature.
    draw : callable
        ``draw(parameters)`` returns the strategy that draws `Case` objects; where parameters are
        fixed, it aims at their thresholds, sizes and limits.
    outputs : callable
        ``outputs(case)`` returns the `Output` of each result.
    axes : callable
        ``axes(case)`` returns for each input a string of one letter per axis, such as "BN4"; equal
        letters are shrunk together, digits and dots never.
    annotated : callable, optional
        ``annotated(image)`` returns cases from an image's real boxes.
    random : bool
        Whether it draws lots, so that two correct runs may differ.
    laws : tuple of Law
        What must hold over several runs, or over more of one than a case shows.
    dtypes : tuple of str
        Those that it is defined in.
    takes_integers : bool
        Whether it has inputs of reals, for which integers may be given.
    has_block : bool
        Whether it is of the API whose operators have Gluon blocks here.
    optional : tuple of str
        The inputs that a target need not take (SPEC: optional).
    calling : str
        How a target's operator is run on a case, which `engine.calling` knows: on its inputs
        ("arrays"), with parameters of its own ("parameters", "network"), for some "epochs" …
    fit : callable
        ``fit(case, config)`` returns a case, which was made for other parameters, with inputs that
        go with these, or None if there are none.
    given : tuple of str, optional
        The outputs that a target gives, in order, if not all; `whole` returns all (`as_given`).
    """

    name: str
    family: str
    draw: Callable[[Parameters], SearchStrategy[Case]]
    outputs: Callable[[Case], tuple[Output, ...]]
    axes: Callable[[Case], Mapping[str, str]]
    annotated: Callable[[Image], Iterable[Case]] = lambda image: ()
    random: bool = False
    laws: tuple[Law, ...] = ()
    dtypes: tuple[str, ...] = ("float16", "float32", "float64")
    takes_integers: bool = True
    has_block: bool = True
    optional: tuple[str, ...] = ()
    calling: str = "arrays"
    fit: Callable[[Case, Mapping[str, Any]], Case | None] = relabelled
    given: tuple[str, ...] | None = None
    whole: Callable[[Case], tuple[Output, ...]] = lambda case: ()

    def as_given(self, names: tuple[str, ...], reciprocals: frozenset[str]) -> Operator:
        """Return it as a target has it: with these of its outputs, and reciprocals of parameters.

        Of what a target does not give, nothing is demanded.
        """

        def outputs(case: Case) -> tuple[Output, ...]:
            """Describe the outputs that the target gives."""
            own = {o.name: o.with_reciprocals(reciprocals) for o in self.outputs(case)}
            return tuple(own[name] for name in names or own)

        if not names and not reciprocals:
            return self
        return replace(self, outputs=outputs, given=names or None, whole=self.outputs)

    def _picked(self, case: Case, results: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return those of its results that a target gives."""
        if self.given is None:
            return results
        own = {o.name: result for o, result in zip(self.whole(case), results, strict=True)}
        return tuple(own[name] for name in self.given)

    def cases(self, parameters: Parameters = FREE) -> SearchStrategy[Case]:
        """Return the strategy that draws cases."""
        return self.draw(parameters)

    @property
    def needs(self) -> tuple[str, ...]:
        """The names that a target must have for this to be checked."""
        return (self.name,)

    @property
    def is_chain(self) -> bool:
        """Whether it is made of operators that are checked by themselves too."""
        return False

    @cached_property
    def kernel(self) -> Any:
        """The NumPy operator's class."""
        return getattr(import_module(f"refkernels.{self.family}"), self.name)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of the operator's parameters."""
        return tuple(signature(self.kernel).parameters)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The names of those that have no default."""
        own = signature(self.kernel).parameters.values()
        return tuple(parameter.name for parameter in own if parameter.default is parameter.empty)

    @cached_property
    def definition(self) -> Callable[..., Any]:
        """The function that defines the operator."""
        function = getattr(import_module(f"refkernels.definition.{self.family}"), self.name)
        return function  # type: ignore[no-any-return]

    def refer(self, case: Case, *, ask_definition: bool | None = None) -> Reference:
        """Return what the kernel, and for a small case the definition, make of `case`."""
        kernel = self._picked(case, as_outputs(self.build(case)(*case.inputs.values())))
        if ask_definition is None:
            ask_definition = is_small(case, kernel)
        if not ask_definition:
            return Reference(None, kernel)
        return Reference(self.define(case), kernel)

    def run_kernel(self, case: Case, seed: int | None = None) -> tuple[Array, ...]:
        """Return what the kernel makes of `case`, drawn with a seed if it is given one."""
        if seed is None:
            return self.refer(case, ask_definition=False).kernel
        return self._picked(case, as_outputs(self.build(case)(*case.inputs.values(), rng=seed)))

    def build(self, case: Case) -> Any:
        """Build the NumPy operator of a case."""
        return build(self.kernel, case.config, _kernel_class)

    def define(self, case: Case) -> tuple[Array, ...]:
        """Ask the definition for the exact outputs."""
        config = {name: _define_recipes(value) for name, value in case.config.items()}
        return self._picked(case, as_outputs(self.definition(*case.inputs.values(), **config)))

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Return how many decisions of outputs that conform differ from the kernel's all the same.

        They are those that rounding decides: on a tie or a threshold, within the bound.
        """
        return 0

    def judge_kernel(self, case: Case, reference: Reference) -> Disagreement | None:
        """Hold the kernel to the definition."""
        if reference.exact is None:
            return None
        return self.judge(case, reference, reference.kernel)

    def judge_form(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Demand as many outputs as there are to be, their shapes and dtypes."""
        expected = self.outputs(case)
        if len(outputs) != len(expected):
            return Disagreement(
                "outputs",
                f"{times(len(outputs), 'output')}, expected {len(expected)}: "
                + ", ".join(output.name for output in expected),
                kind="wrong outputs",
            )
        for output, found, kernel in zip(expected, outputs, reference.kernel, strict=True):
            dtype = None if output.index else kernel.dtype
            wrong = wrong_form(output.name, found, kernel.shape, dtype)
            if wrong is not None:
                return wrong
        return None

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold outputs to the definition, or where it was not asked, to the kernel."""
        wrong = self.judge_form(case, reference, outputs)
        if wrong is not None:
            return wrong
        for i, output in enumerate(self.outputs(case)):
            kernel = reference.kernel[i]
            exact = None if reference.exact is None else reference.exact[i]
            if output.index or output.bound is None:
                found = compare_exact(
                    output.name,
                    outputs[i],
                    kernel if exact is None else exact,
                    None if output.index else kernel.dtype,
                )
            else:
                center = kernel if exact is None else exact
                own = outputs[i]
                if output.free is not None:
                    free = output.free(case)
                    own, center = (
                        np.where(free, kernel.dtype.type(0), own),
                        np.where(free, 0, center),
                    )
                found = compare_real(
                    output.name,
                    own,
                    center,
                    reference.bound(i, partial(output.bound, case, center)),
                    kernel.dtype,
                    both_rounded=exact is None,
                    because=partial(_without_extent, self, case),
                )
            if found is not None:
                return found
        return None


def is_small(case: Case, outputs: tuple[Array, ...]) -> bool:
    """Return whether the definition answers a case in good time."""
    inputs = sum(array.size for array in case.inputs.values())
    return inputs <= INPUT_LIMIT and sum(output.size for output in outputs) <= OUTPUT_LIMIT


def build(cls: Any, config: Mapping[str, Any], find: Callable[[str], Any]) -> Any:
    """Construct `cls`, where a `Recipe` in its configuration is built from ``find(name)``.

    What is no class is a function of the inputs, which takes the configuration as keywords.
    """

    def resolve(value: Any) -> Any:
        """Return a value with what is built of recipes in their place, in lists too."""
        if isinstance(value, Recipe):
            return build(find(value.name), value.config, find)
        if isinstance(value, list):
            return [resolve(item) for item in value]
        return value

    keywords = {name: resolve(value) for name, value in config.items()}
    if isinstance(cls, type):
        return cls(**keywords)
    return partial(cls, **keywords) if keywords else cls


def _without_extent(operator: Operator, case: Case) -> str:
    """Say which boxes of a case have no extent, as the end of a sentence."""
    places = without_extent(operator, case)
    verb = "has" if len(places) == 1 else "have"
    return f": {' and '.join(places)} {verb} no extent" if places else ""


def _kernel_class(name: str) -> Any:
    import refkernels

    return getattr(refkernels, name)


def _define_recipes(value: Any) -> Any:
    if isinstance(value, Recipe):
        from refkernels.conformance.cases import find

        definition = find(value.name).definition
        config = {name: _define_recipes(item) for name, item in value.config.items()}
        return lambda *inputs: definition(*inputs, **config)
    if isinstance(value, list):
        return [_define_recipes(item) for item in value]
    return value
