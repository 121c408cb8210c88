"""Whole chains of operators, held to the kernels stage by stage and then end to end.

Each stage is judged on the target's own intermediate results, so no stage is blamed for another's
rounding. When all of them conform, what still differs between the ends of the two chains was
decided by rounding, on a tie or a threshold, and is counted as ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from inspect import signature
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.chain import chain as chains
from refkernels.chain.roles import PLACE_OF
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Operator, Recipe, Reference

__all__ = ["Pipeline", "Stage"]


@dataclass(frozen=True)
class Stage:
    """One operator of a chain.

    Parameters
    ----------
    recipe : Recipe
        The operator with its parameters.
    inputs : mapping of str to str
        For each argument of the operator, in order, the case's input or earlier result it is.
    results : tuple of str
        Names for the operator's outputs.
    """

    recipe: Recipe
    inputs: Mapping[str, str]
    results: tuple[str, ...]

    @classmethod
    def of(cls, name: str, **config: Any) -> Stage:
        """Return the stage of an operator at its usual place in a chain (`chain.roles`)."""
        place = PLACE_OF[name]
        return cls(Recipe(name, config), place.operators[name], tuple(place.gives(name)))

    @classmethod
    def like(cls, stage: chains.Stage) -> Stage:
        """Return a stage of a chain of NumPy operators."""
        operator = stage.operator
        defaults = {own.name: own.default for own in fields(operator)}
        config = {name: getattr(operator, name) for name in defaults}
        config = {name: value for name, value in config.items() if value != defaults[name]}
        arguments = [name for name in signature(operator.__call__).parameters if name != "out"]
        taken = dict(zip(arguments, stage.takes, strict=False))
        return cls(Recipe(type(operator).__name__, config), taken, stage.gives)

    @property
    def operator(self) -> Operator:
        """How the stage's operator is judged."""
        from refkernels.conformance.cases import find

        operator: Operator = find(self.recipe.name)
        return operator

    def case(self, values: Mapping[str, Array]) -> Case:
        """Return the stage as a case of its operator."""
        return Case(self.recipe.config, {name: values[own] for name, own in self.inputs.items()})


@dataclass(frozen=True)
class Pipeline(Operator):
    """A chain of operators, drawn and judged as one.

    Parameters
    ----------
    stages : tuple of Stage
        In order.
    """

    stages: tuple[Stage, ...] = ()
    calling: str = "chain"

    @property
    def is_chain(self) -> bool:
        """Whether it is made of operators that are checked by themselves too."""
        return True

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of all operators in the chain."""
        return tuple(dict.fromkeys(_names([stage.recipe for stage in self.stages])))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """None: its parameters are those of the stages."""
        return ()

    @cached_property
    def required(self) -> tuple[str, ...]:
        """None: its parameters are those of the stages."""
        return ()

    def refer(self, case: Case, *, ask_definition: bool | None = None) -> Reference:
        """Run the chain of kernels."""
        values = dict(case.inputs)
        for stage in self.stages:
            outputs = stage.operator.refer(stage.case(values), ask_definition=False).kernel
            values.update(zip(stage.results, outputs, strict=True))
        return Reference(None, tuple(values[name] for name in self.results))

    def judge_kernel(self, case: Case, reference: Reference) -> Disagreement | None:
        """Hold each kernel of the chain to its definition."""
        for stage, own, _ in self._walk(case, reference.kernel):
            operator = stage.operator
            wrong = operator.judge_kernel(own, operator.refer(own))
            if wrong is not None:
                return _at(stage, wrong)
        return None

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold each stage to its kernel, on what the target itself gave it."""
        # The kernels are enough here: `judge_kernel` has held them to the definitions.
        for stage, own, results in self._walk(case, outputs):
            operator = stage.operator
            wrong = operator.judge(own, operator.refer(own, ask_definition=False), results)
            if wrong is not None:
                return _at(stage, wrong)
        return None

    def count_ambiguous(self, case: Case, reference: Reference, outputs: tuple[Array, ...]) -> int:
        """Count the decisions at the chain's end, or before it first draws lots, that differ."""
        differing = 0
        for stage in self.stages:
            if stage.operator.random:
                break
            own = stage.case({**case.inputs, **dict(zip(self.results, outputs, strict=True))})
            for output, name in zip(stage.operator.outputs(own), stage.results, strict=True):
                if output.index:
                    i = self.results.index(name)
                    differing = int(np.sum(outputs[i] != reference.kernel[i]))
        return differing

    @property
    def results(self) -> tuple[str, ...]:
        """The names of all that its stages make."""
        return tuple(name for stage in self.stages for name in stage.results)

    def _walk(
        self, case: Case, outputs: tuple[Array, ...]
    ) -> Iterator[tuple[Stage, Case, tuple[Array, ...]]]:
        """Yield each stage with its case and its results in a chain with these outputs."""
        values = {**case.inputs, **dict(zip(self.results, outputs, strict=True))}
        for stage in self.stages:
            yield stage, stage.case(values), tuple(values[name] for name in stage.results)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, Recipe):
        yield value.name
        for item in value.config.values():
            yield from _names(item)


def _at(stage: Stage, wrong: Disagreement) -> Disagreement:
    return replace(wrong, what=f"at {stage.recipe}: {wrong.what}")
