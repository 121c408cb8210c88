"""A single operator under test, given as an object."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from inspect import Parameter, signature
from typing import Any

from refkernels.conformance.model.operator import Case, build
from refkernels.conformance.model.readings import drop_readings
from refkernels.conformance.targets.adapter import Adapter, TargetError
from refkernels.conformance.targets.frameworks import adapter_of, framework, without_partial
from refkernels.conformance.targets.representation import Argument, Representation
from refkernels.conformance.targets.target import Target, is_function, parameters_of

__all__ = ["Subject"]

# What an object that has no name is called where its case is pasted.
OBJECT = "checked"


class Subject(Target):
    """A single operator under test, given as an object.

    Parameters
    ----------
    subject : class or callable
        A class that is built with an operator's parameters, or what is already built: an instance,
        or a function of arrays.
    name : str
        The operator that it is held to.
    representation : Representation
        How it writes what that takes and gives.
    """

    def __init__(
        self, subject: Any, name: str, representation: Representation = Target.representation
    ) -> None:
        if not callable(subject):
            kind = type(subject).__name__
            raise TypeError(f"expected a class or a callable, got {subject!r} of type {kind}")
        self.subject, self.name = subject, name
        self.representation = representation
        self._method = ""  # which is called, of a class whose objects are not
        self.built = not isinstance(subject, type)
        self.is_object = self.built and not is_function(subject)
        called = without_partial(subject)
        named = called if hasattr(called, "__qualname__") else type(called)
        self.own_name, self.module = named.__qualname__, named.__module__
        if called is not subject:
            self.own_name = f"partial({self.own_name})"
        self._find_a_name()

    def _find_a_name(self) -> None:
        """Take the name that an object has in the module of its class, if it has one there."""
        if not self.built or hasattr(self.subject, "__qualname__"):
            return
        for name, value in vars(sys.modules.get(self.module, object)).items():
            if value is self.subject:
                self.own_name = name

    def find(self, name: str) -> Any:
        """Return the subject, if that is its name; else what stands beside it, or the kernel."""
        if name == self.name:
            return self.subject
        beside = getattr(sys.modules.get(self.module), name, None)
        return beside if callable(beside) else self._reference(name)

    def place_of(self, name: str) -> str:
        """Return the module that a name is imported from."""
        found: str = self.module if name == self.name else self.find(name).__module__
        return found

    def adapter(self, name: str) -> Adapter:
        """Return the adapter of the subject's framework."""
        return adapter_of(framework(self.subject))

    def has_parameter(self, name: str) -> Callable[[str], bool]:
        """Return a function that tells of a parameter's name whether it has it."""
        if self.is_object:
            return lambda parameter: True  # it was built with it
        said, own = self.representation, super().has_parameter(name)
        return lambda parameter: parameter in said.fixed or own(said.names(parameter))

    def takes(self, name: str, inputs: Sequence[str]) -> bool:
        """Return whether its call takes these inputs: those it is said to, or has names for."""
        said = [Argument.of(text).name for text in self.representation.inputs]
        return set(inputs) <= set(said) if said else super().takes(name, inputs)

    def build(self, name: str, config: Mapping[str, Any]) -> Any:
        """Construct an operator, unless it is built already; a function is given what it takes."""
        if name != self.name:
            return build(self.find(name), config, self.find)
        return build(self.subject, self._theirs(config), self.find)

    def _theirs(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return what it is built with, or called with if it is a function; of that what it has."""
        if self.is_object:
            return {}
        said = self.representation
        own = said.theirs(config, _defaults(self.name) if said.parameters else {})
        has = parameters_of(self.subject)
        if self.built:
            return {name: value for name, value in own.items() if has(name)}
        return drop_readings(self.name, own, has)

    def require_given(self) -> None:
        """Raise `TargetError` if it does not have what its representation says that it is given."""
        has, said = parameters_of(self.subject), self.representation
        theirs = {own.removeprefix("1/") for own in said.parameters.values()}
        for name in () if self.is_object else (*said.given, *theirs):
            if not has(name):
                raise TargetError(f"{self.own_name} has no parameter {name!r}")

    def require_called_on_arrays(self) -> None:
        """Raise `TypeError` if a call takes more than arrays, or a class more than parameters."""
        _require_inputs_alone(self.subject)
        if self.built or framework(self.subject) == "mxnet":
            return
        said = self.representation
        names = [own.removeprefix("1/") for own in said.parameters.values()]
        ours = parameters_of(getattr(importlib.import_module("refkernels"), self.name))
        for name in _required_by(self.subject):
            if not (ours(name) or name in names or name in said.given):
                raise TypeError(
                    f"{self.own_name} needs {name!r} to be built, which is no parameter of "
                    f"{self.name}; give an object of it that is built"
                )

    def imports(self, names: Sequence[str]) -> str:
        """Return the lines that import these operators; the subject takes the operator's name."""
        others = [name for name in names if name != self.name]
        lines = [f"from {self.place_of(name)} import {name}" for name in others]
        if self._own_line:
            return "\n".join([self._own_line, *lines])
        alias = "" if self.own_name == self.name or self.built else f" as {self.name}"
        return "\n".join([f"from {self.module} import {self.own_name}{alias}", *lines])

    def expression(self, name: str, case: Case) -> str:
        """Return the expression of the subject, built as a case asks unless it is already."""
        if name != self.name:
            return case.call(name)
        if not self.built:
            taken = drop_readings(name, case.config, self.has_parameter(name))
            return replace(case, config=taken).call(name)
        own = OBJECT if self._own_line else self.own_name
        if self.is_object:
            return own
        config = self._theirs(case.config)
        if not config:
            return own
        return f"partial({own}, {Case(config, {}).call('').removeprefix('(')}"

    def own_call(self, name: str, case: Case, arguments: str) -> tuple[str, str]:
        """Return how it is called in its own words, and what that imports.

        Such as ``box_iou(a, b, fmt='xyxy')``, or ``BoxCoder(weights=…).encode(refs, anchors)``.
        """
        line, own = self._own
        keywords = Case(self._theirs(case.config), {}).call("")[1:-1]
        if self.is_object:
            return line, f"{own}({arguments})"
        if self.built:
            return line, f"{own}({', '.join(filter(None, [arguments, keywords]))})"
        method = f".{self._method}" if self._method else ""
        return line, f"{own}({keywords}){method}({arguments})"

    @property
    def _own(self) -> tuple[str, str]:
        """The line that imports it, and its name then."""
        if not self._own_line:
            return f"from {self.module} import {self.own_name}", self.own_name
        return self._own_line, OBJECT if self.built else self.name

    def paste(self) -> tuple[str, str]:
        """Return lines to import, and an expression of this target."""
        lines = f"from refkernels.conformance.targets.subject import Subject\n{self.imports([])}"
        if not self.built:
            return lines, f"Subject({self.name}, {self.name!r})"
        return lines, f"Subject({OBJECT if self._own_line else self.own_name}, {self.name!r})"

    @cached_property
    def _own_line(self) -> str:
        """The line that stands for a subject that cannot be imported; empty for one that can.

        It runs: what it stands for is for the reader to put in its place.
        """
        if getattr(sys.modules.get(self.module), self.own_name, None) is self.subject:
            return ""
        what = f"put in my place: {self.own_name} of {self.module}"
        if not self.built:
            return f"{self.name} = lambda **parameters: lambda *inputs: {what!r}"
        return f"{OBJECT} = lambda *inputs, **parameters: {what!r}"

    def _reference(self, name: str) -> Any:
        room = "refkernels.gluon" if framework(self.subject) == "mxnet" else "refkernels"
        return getattr(importlib.import_module(room), name)


def _require_inputs_alone(subject: Any) -> None:
    """Raise `TypeError` if a call takes more than arrays: an object, or what one is built with."""
    called = without_partial(subject)
    name = getattr(called, "__qualname__", type(called).__qualname__)
    if isinstance(called, type) and called is not subject:
        raise TypeError(
            f"a call of the partial gives an object of {name}, no result; call it first, or give "
            f"{name} itself and config={{...}}"
        )
    if isinstance(subject, type) and framework(subject) != "mxnet":
        offered = {"__call__", "__iter__"}  # what splits a data set is iterated
        if offered.isdisjoint(name for base in subject.__mro__ for name in vars(base)):
            raise TypeError(
                f"objects of {name} cannot be called; give one's own method, or what can"
            )
    elif is_function(subject) and next(iter(_required_by(subject)), "") == "self":
        raise TypeError(f"{name} takes self; give an object's own method")


def _required_by(called: Any) -> list[str]:
    """Return the names of what a call has to be given, as far as a signature says so."""
    try:
        own = signature(called).parameters.values()
    except (TypeError, ValueError):  # what is written in C need not say
        return []
    variable = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return [p.name for p in own if p.default is p.empty and p.kind not in variable]


def _defaults(operator: str) -> dict[str, Any]:
    """Return the defaults of an operator's parameters."""
    own = signature(getattr(importlib.import_module("refkernels"), operator)).parameters
    return {k: v.default for k, v in own.items() if v.default is not v.empty}
