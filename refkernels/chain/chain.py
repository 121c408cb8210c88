"""Chains of operators: each is given what the inputs are, and what those before it have made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from refkernels.arrays import Array
from refkernels.chain.roles import PLACES, place_of
from refkernels.sampler import NaiveSampler

__all__ = ["Chain", "Stage"]


@dataclass(frozen=True)
class Stage:
    """One operator of a chain.

    Attributes
    ----------
    operator : callable
        Called on arrays, in the order of `takes`.
    takes : tuple of str
        The names of the chain's arrays that it is called with.
    gives : tuple of str
        Names for what it returns.
    """

    operator: Any
    takes: tuple[str, ...]
    gives: tuple[str, ...]

    @classmethod
    def of(cls, operator: Any) -> "Stage":
        """Return the stage of an operator at its usual place (`roles`)."""
        place = place_of(operator)
        return cls(operator, place.needs(operator), tuple(place.gives_of(operator)))

    def run(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Return what the operator makes of the values that it takes, by name."""
        outputs = self.operator(*(values[name] for name in self.takes))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return dict(zip(self.gives, outputs, strict=True))


@dataclass(frozen=True)
class Chain:
    """Stages in order.

    Examples
    --------
    >>> import numpy as np
    >>> from refkernels.chain.published import preset_operators
    >>> chain = Chain.of(preset_operators("ssd300"))
    >>> boxes = np.array([[0.0, 0.0, 8.0, 8.0]])
    >>> made = chain.run({"anchors": boxes, "boxes": boxes, "labels": np.array([6])})
    >>> list(made)
    ['ious', 'matches', 'samples', 'cls_targets', 'box_targets', 'box_masks']
    >>> made["cls_targets"]
    array([7])
    """

    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, operators: Mapping[str, Any]) -> "Chain":
        """Return the chain of operators that are given by their roles."""
        present = [operators[place.role] for place in PLACES if place.role in operators]
        stages = []
        for stage in map(Stage.of, present):
            if "candidates" in stage.takes:  # all that a sampler may keep
                stages.append(Stage(NaiveSampler(), ("matches",), ("candidates",)))
            stages.append(stage)
        return cls(tuple(stages))

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return what all stages make of inputs, by name."""
        made: dict[str, Array] = {}
        for stage in self.stages:
            made.update(stage.run({**inputs, **made}))
        return made
