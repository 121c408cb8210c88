"""Bindings: which object of somebody's code is which operator, and such objects as targets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import FunctionType
from typing import Any

from refkernels.conformance.model.operator import Operator
from refkernels.conformance.targets.adapter import TargetError
from refkernels.conformance.targets.offering import EVERYTHING, Offers, offers
from refkernels.conformance.targets.representation import (
    PLAIN,
    Representation,
    RepresentationError,
    words_of,
)
from refkernels.conformance.targets.subject import Subject
from refkernels.conformance.targets.target import Target, import_target

# In place of an object's name: it has that of the operator.
EVERY = "*"

# What is said of what is offered in the same words as a representation.
OFFERED = ("dtypes", "batch", "mixed")

__all__ = ["Binding", "Bindings", "Bound"]


@dataclass(frozen=True)
class Binding:
    """Which object of somebody's code is which operator.

    Parameters
    ----------
    place : str
        Module and name: ``torchvision.ops:box_iou``. ``module:Class.method`` is a method of an
        object that is built with the parameters; ``module:*`` is what has the operator's own name,
        and of a chain the names of its operators.
    operator : str
        The operator that it is held to.
    representation : Representation
        How it writes what that takes and gives.
    offers : Offers
        What it claims to do: outside of it no case is run.
    """

    place: str
    operator: str
    representation: Representation = PLAIN
    offers: Offers = EVERYTHING

    @classmethod
    def parse(cls, text: str) -> Binding:
        """Return what a text says: ``my.detector:match=MaximumMatcher,transposed,first=1``.

        Its words are those of `Representation` and the last three of `offers`
        (`representation.words_of`), or a table of them as JSON.

        Raises
        ------
        RepresentationError
            If it is no binding; the message says what is expected.
        """
        place, _, rest = text.partition("=")
        operator, _, words = rest.partition(",")
        module, colon, name = place.partition(":")
        if not (module and colon and name and operator):
            raise RepresentationError(
                f"{text!r} is no binding, expected module:name=Operator, "
                "such as my.detector:box_iou=BBoxBatchIOU"
            )
        try:
            said = json.loads(words) if words.startswith("{") else words_of(words)
            own = {name: said.pop(name) for name in OFFERED if name in said}
            return cls(place, operator, Representation.of(said), offers(**own))
        except (ValueError, TypeError) as error:
            raise RepresentationError(f"{place}={operator}: {error}") from None

    @property
    def item(self) -> str:
        """What it is called among others: its place and its operator."""
        return f"{self.place}={self.operator}"


class Bindings(Target):
    """Several bindings as one target, each an item of its own.

    Parameters
    ----------
    module : str
        What they are, all together.
    bindings : sequence of (str, Binding)
        With what opens the target of each again (`peers.opening`).
    target : Target, optional
        Where operators by our names are.
    """

    def __init__(
        self, module: str, bindings: Sequence[tuple[str, Binding]], target: Target | None = None
    ) -> None:
        self.module = module
        self._modules, self._target = [], target
        self._bindings = {binding.item: (spec, binding) for spec, binding in bindings}

    def items(self, operators: Iterable[Operator]) -> list[str]:
        """Return what of it can be checked: each binding, by its place and operator."""
        own = [] if self._target is None else self._target.items(operators)
        return [*own, *self._bindings]

    def of(self, item: str) -> Target:
        """Return the target of an item.

        Raises
        ------
        TargetError
            If there is no such object.
        """
        if self._target is not None and "=" not in item:
            return self._target
        if item not in self._bindings:
            raise TargetError(f"{self.module} has no {item}")
        spec, binding = self._bindings[item]
        module, _, name = binding.place.partition(":")
        if name != EVERY:
            return Bound(binding, spec)
        target = Target(module)
        target.place = binding.place
        return target


class Bound(Subject):
    """The object of a binding as a target.

    Parameters
    ----------
    binding : Binding
        What it is.
    spec : str
        What opens its target again (`peers.opening`): a package's name, or the binding as a text.

    Raises
    ------
    TargetError
        If it cannot be imported.
    """

    def __init__(self, binding: Binding, spec: str) -> None:
        place, _, path = binding.place.partition(":")
        found: Any = import_target(place)
        method = ""
        for name in path.split("."):
            if isinstance(found, type) and isinstance(getattr(found, name, None), FunctionType):
                if not isinstance(vars(found).get(name), staticmethod):
                    method = name
                    break
            if not hasattr(found, name):
                close = get_close_matches(name, dir(found), 1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise TargetError(f"{binding.place}: there is no {name!r}{hint}")
            found = getattr(found, name)
        if not callable(found):
            raise TargetError(f"{binding.place} is {type(found).__name__}, expected a callable")
        super().__init__(found, binding.operator, binding.representation)
        self._binding, self._module, self._spec = binding, place, spec
        self._method = method
        self.place = binding.place
        self.representation = self._settled(binding.representation)
        self._path = path.removesuffix(f".{self._method}") if self._method else path
        self.own_name = self._path.rpartition(".")[2]

    def _settled(self, said: Representation) -> Representation:
        """Return what is said, with defaults for the parameters that the object does not have.

        Those that it has are given always, so that its own defaults do not matter.
        """
        if not said.defaults:
            return said
        has = self.has_parameter(self.name)
        missing = {name: value for name, value in said.defaults.items() if not has(name)}
        given = {name: name for name in said.defaults if name not in missing}
        return replace(
            said, fixed={**missing, **said.fixed}, parameters={**given, **said.parameters}
        )

    @property
    def spec(self) -> str:
        """What opens its target again."""
        return self._spec

    def offers(self, name: str) -> Offers:
        """Return what its binding says that it offers, or it itself."""
        own = self._binding.offers
        return super().offers(name) if own == EVERYTHING else own

    def place_of(self, name: str) -> str:
        """Return the module that a name is imported from."""
        return self._module if name == self.name else super().place_of(name)

    def build(self, name: str, config: Mapping[str, Any]) -> Any:
        """Construct an operator; of one that is a method, the method of the object."""
        built = super().build(name, config)
        return getattr(built, self._method) if self._method and name == self.name else built

    @property
    def _own(self) -> tuple[str, str]:
        """The line that imports it, and its name then."""
        return f"from {self._module} import {self._path.partition('.')[0]}", self._path

    def paste(self) -> tuple[str, str]:
        """Return lines to import, and an expression of this target."""
        lines = "from refkernels.conformance.peers.opening import open_target"
        return lines, f"open_target([{self._spec!r}]).of({self._binding.item!r})"
