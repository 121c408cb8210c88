"""The code under test: where its operators are, and which framework they are written in."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property, partial
from inspect import signature
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from refkernels.conformance.model.operator import Case, build
from refkernels.conformance.model.quoting import error_text, represented, text_of
from refkernels.conformance.peers.divergence import Divergence
from refkernels.conformance.targets.adapter import ADAPTERS, Adapter, GluonAdapter
from refkernels.conformance.targets.offering import EVERYTHING, Offers
from refkernels.legacy_numpy import numpy_for_mxnet

__all__ = ["GluonAdapter", "Subject", "Target", "TargetError", "contexts_found", "framework"]


# What an object that has no name is called where its case is pasted.
OBJECT = "checked"


class TargetError(Exception):
    """The target cannot be used: it does not import, or has none of the names."""


class Target:
    """A module that exposes operators by name, itself or in its direct submodules.

    Parameters
    ----------
    module : str
        Its import path, such as ``gluoncv.nn``.

    Raises
    ------
    TargetError
        If it does not import.
    """

    def __init__(self, module: str) -> None:
        self.module = module
        self._modules = _import_with_submodules(module)

    def find(self, name: str) -> Any:
        """Return the class or callable of this name, or None."""
        for module in self._modules:
            value = getattr(module, name, None)
            if callable(value):
                return value
        return None

    def place_of(self, name: str) -> str:
        """Return the module that a name is imported from."""
        for module in self._modules:
            if callable(getattr(module, name, None)):
                return module.__name__
        return self.module

    def has_parameter(self, name: str) -> Callable[[str], bool]:
        """Return a function that tells of a parameter's name whether an operator has it.

        A function has those that its signature names. Of a class it is not asked: it is built with
        all of them, and what it lacks it refuses.
        """
        return _parameters_of(self.find(name))

    def takes(self, name: str, count: int) -> bool:
        """Return whether an operator's call takes so many inputs, as far as its signature says."""
        found = self.find(name)
        if not _is_function(found):  # an object, or the class of one
            kind = found if isinstance(found, type) else type(found)
            if framework(found) != "numpy":
                found = getattr(kind, "forward", getattr(kind, "hybrid_forward", kind.__call__))
            else:
                found = kind.__call__
        try:
            own = list(signature(found).parameters.values())
        except (TypeError, ValueError):  # what is written in C need not say
            return True
        if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in own):
            return True
        kinds = (own[0].POSITIONAL_ONLY, own[0].POSITIONAL_OR_KEYWORD) if own else ()
        names = [parameter.name for parameter in own if parameter.kind in kinds]
        return len([name for name in names if name not in ("self", "F")]) >= count

    def divergences(self, name: str) -> tuple[Divergence, ...]:
        """Return what the target itself says, in ``__refkernels_divergences__``, of an operator."""
        said = self._said(name, "__refkernels_divergences__") or ()
        return tuple(divergence for divergence in said if divergence.operator == name)

    def offers(self, name: str) -> Offers:
        """Return what the target itself says, in ``__refkernels_offers__``, of an operator.

        The operator says it in an attribute, or the module that defines it by operators' names.
        """
        said = self._said(name, "__refkernels_offers__")
        if isinstance(said, Mapping):
            said = said.get(name)
        if said is None:
            return EVERYTHING
        if not isinstance(said, Offers):
            raise TargetError(f"__refkernels_offers__ of {name} is {said!r}, expected offers(…)")
        return said

    def _said(self, name: str, attribute: str) -> Any:
        found = self.find(name)
        module = sys.modules.get(getattr(found, "__module__", None) or "")
        for place in (found, module):
            said = getattr(place, attribute, None)
            if said is not None:
                return said
        return None

    def adapter(self, name: str) -> Adapter:
        """Return the adapter of an operator's framework."""
        return _adapter(framework(self.find(name)))

    def build(self, name: str, config: Mapping[str, Any]) -> Any:
        """Construct an operator; a recipe in its configuration becomes the target's own."""
        return build(self._require(name), config, self._require)

    def imports(self, names: Sequence[str]) -> str:
        """Return the lines that import these operators."""
        places: dict[str, list[str]] = {}
        for name in names:
            places.setdefault(self.place_of(name), []).append(name)
        return "\n".join(f"from {place} import {', '.join(own)}" for place, own in places.items())

    def expression(self, name: str, case: Case) -> str:
        """Return the expression of an operator that is built as a case asks."""
        if isinstance(self.find(name), type):
            return case.call(name)
        if not case.config:
            return name
        return f"partial({name}, {case.call('').removeprefix('(')}"

    def paste(self) -> tuple[str, str]:
        """Return lines to import, and an expression of this target."""
        return (
            "from refkernels.conformance.targets.target import Target",
            f"Target({self.module!r})",
        )

    def _require(self, name: str) -> Any:
        found = self.find(name)
        if found is None:
            raise TargetError(f"{self.module} has no {name}")
        return found


class Subject(Target):
    """A single operator under test, given as an object.

    Parameters
    ----------
    subject : class or callable
        A class that is built with an operator's parameters, or what is already built: an instance,
        or a function of arrays.
    name : str
        The operator that it is held to.
    """

    def __init__(self, subject: Any, name: str) -> None:
        if not callable(subject):
            kind = type(subject).__name__
            raise TypeError(f"expected a class or a callable, got {subject!r} of type {kind}")
        self.subject, self.name = subject, name
        self.built = not isinstance(subject, type)
        self.is_object = self.built and not _is_function(subject)
        named = subject if hasattr(subject, "__qualname__") else type(subject)
        self.own_name, self.module = named.__qualname__, named.__module__
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
        return _adapter(framework(self.subject))

    def has_parameter(self, name: str) -> Callable[[str], bool]:
        """Return a function that tells of a parameter's name whether it has it."""
        if self.is_object:
            return lambda parameter: True  # it was built with it
        return super().has_parameter(name)

    def build(self, name: str, config: Mapping[str, Any]) -> Any:
        """Construct an operator, unless it is built already; a function is given what it takes."""
        if self.built and name == self.name:
            has = _parameters_of(self.subject)
            own = {} if self.is_object else config
            return build(self.subject, {k: v for k, v in own.items() if has(k)}, self.find)
        return build(self.find(name), config, self.find)

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
        if name != self.name or not self.built:
            return case.call(name)
        own = OBJECT if self._own_line else self.own_name
        if self.is_object:
            return own
        has = _parameters_of(self.subject)
        config = {key: value for key, value in case.config.items() if has(key)}
        if not config:
            return own
        return f"partial({own}, {Case(config, {}).call('').removeprefix('(')}"

    def paste(self) -> tuple[str, str]:
        """Return lines to import, and an expression of this target."""
        lines = f"from refkernels.conformance.targets.target import Subject\n{self.imports([])}"
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


def _is_function(value: Any) -> bool:
    """Return whether something takes inputs and parameters in one call, not an object built."""
    return isinstance(value, (FunctionType, BuiltinFunctionType, MethodType, partial))


def _parameters_of(found: Any) -> Callable[[str], bool]:
    """Return a function that tells of a name whether something callable has this parameter."""
    if isinstance(found, type) or found is None:
        return lambda name: True
    try:
        own = signature(found).parameters.values()
    except (TypeError, ValueError):  # what is written in C need not say
        return lambda name: False
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in own):
        return lambda name: True
    named = {parameter.name for parameter in own if parameter.kind is not parameter.POSITIONAL_ONLY}
    return named.__contains__


def framework(operator: Any) -> str:
    """Return the package that an operator's arrays are of: numpy, mxnet, torch or jax.

    It is, the first of these that applies:

    1. what the operator, or else the module that defines it, says in ``__refkernels_framework__``;
    2. ``mxnet`` for a Gluon block and for what describes a custom operator of MXNet, ``torch`` for
       a module of PyTorch (or a class of any of these);
    3. ``torch`` or ``jax`` if the module that defines it has imported one of the two, and not both;
    4. ``numpy``.
    """
    module = sys.modules.get(getattr(operator, "__module__", None) or "")
    for place in (operator, module):
        said = getattr(place, "__refkernels_framework__", None)
        if said is not None:
            if said not in ADAPTERS:
                known = ", ".join(ADAPTERS)
                raise TargetError(f"__refkernels_framework__ is {said!r}, expected one of: {known}")
            return str(said)
    cls = operator if isinstance(operator, type) else type(operator)
    bases = {f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__}
    if bases & {"mxnet.gluon.block.Block", "mxnet.operator.CustomOpProp"}:
        return "mxnet"
    if "torch.nn.modules.module.Module" in bases:
        return "torch"
    used = {_package_of(value) for value in vars(module).values()} if module is not None else set()
    found = used & {"torch", "jax"}
    return found.pop() if len(found) == 1 else "numpy"


def _package_of(value: Any) -> str:
    """Return the package of a module, function or class that a module has imported."""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0]
    if isinstance(value, (type, FunctionType, BuiltinFunctionType)):
        return str(value.__module__).partition(".")[0]
    return ""


@cache
def _adapter(name: str) -> Adapter:
    return ADAPTERS[name]()


def _import_with_submodules(name: str) -> list[ModuleType]:
    # MXNet may be behind the target: let it import on today's NumPy.
    with numpy_for_mxnet():
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            raise TargetError(f"cannot import {name}: {text_of(error)}") from error
        except SystemExit as error:
            code = represented(error.code)
            raise TargetError(f"cannot import {name}: it calls sys.exit({code})") from error
        except Exception as error:
            raise TargetError(f"cannot import {name}: {error_text(error)}") from error
        modules = [module]
        for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
            if info.name == "__main__":  # to import it is to run it
                continue
            try:
                modules.append(importlib.import_module(f"{name}.{info.name}"))
            except (Exception, SystemExit) as error:  # one broken submodule hides no other
                said = f"{name}.{info.name} does not import: {text_of(error)}"
                print(f"note: {said}", file=sys.stderr)
    return modules


def contexts_found() -> str:
    """Say in a few words which contexts MXNet finds, for a report's first lines."""
    try:
        from refkernels.gluon.compat import import_mxnet

        mx = import_mxnet()
    except ImportError:
        return "MXNet is not installed"
    count = mx.context.num_gpus()
    if count == 0:
        return "cpu(0); no GPU found"
    return ", ".join(["cpu(0)", *(f"gpu({i})" for i in range(count))])
