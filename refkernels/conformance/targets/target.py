"""The code under test: where its operators are, and which framework they are written in."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from difflib import get_close_matches
from inspect import signature
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.model.operator import Case, Operator, build
from refkernels.conformance.model.quoting import error_text, represented, text_of
from refkernels.conformance.model.readings import drop_readings
from refkernels.conformance.targets.adapter import Adapter, TargetError
from refkernels.conformance.targets.frameworks import adapter_of, framework, without_partial
from refkernels.conformance.targets.offering import EVERYTHING, Offers
from refkernels.conformance.targets.representation import PLAIN
from refkernels.legacy_numpy import numpy_for_mxnet

__all__ = ["Target", "import_target", "is_function", "parameters_of"]


class Target:
    """Modules that expose operators by name, themselves or in their direct submodules.

    Parameters
    ----------
    module : str
        The import path, such as ``gluoncv.nn``.
    modules : sequence of str
        Those to look in, in this order; that module by default.

    Attributes
    ----------
    representation : Representation
        How what is under test writes what its operator takes and gives.

    Raises
    ------
    TargetError
        If one does not import.
    """

    representation = PLAIN

    def __init__(self, module: str, modules: Sequence[str] = ()) -> None:
        self.module = module
        self._modules = [
            own for name in modules or (module,) for own in _import_with_submodules(name)
        ]

    place = ""
    """Where what is under test is, if it is a single object that a binding names."""

    is_object = False
    """Whether it is a single object that is built already."""

    @property
    def spec(self) -> str:
        """What opens this target again."""
        return self.module

    def items(self, operators: Iterable[Operator]) -> list[str]:
        """Return what of it can be checked: those of the operators that it has, by name."""
        return [o.name for o in operators if None not in map(self.find, o.needs)]

    def of(self, item: str) -> "Target":
        """Return the target of an item of a check: an operator's name, here."""
        return self

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

        It has those that its signature names, or that of the class's constructor; whatever has no
        signature, or takes any keyword, counts as having all.
        """
        return parameters_of(self.find(name))

    def takes(self, name: str, inputs: Sequence[str]) -> bool:
        """Return whether an operator's call takes these inputs, as far as its signature says."""
        found = self.find(name)
        if not is_function(found):  # an object, or the class of one
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
        return len([name for name in names if name not in ("self", "F")]) >= len(inputs)

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
        return adapter_of(framework(self.find(name)))

    def build(self, name: str, config: Mapping[str, Any]) -> Any:
        """Construct an operator; a recipe in its configuration becomes the target's own."""
        return build(self._require(name), self._taken(name, config), self._require)

    def _taken(self, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration without what an operator stands at as it lacks the parameter."""
        return drop_readings(name, config, parameters_of(self.find(name)))

    def imports(self, names: Sequence[str]) -> str:
        """Return the lines that import these operators."""
        places: dict[str, list[str]] = {}
        for name in names:
            places.setdefault(self.place_of(name), []).append(name)
        return "\n".join(f"from {place} import {', '.join(own)}" for place, own in places.items())

    def expression(self, name: str, case: Case) -> str:
        """Return the expression of an operator that is built as a case asks."""
        own = replace(case, config=self._taken(name, case.config))
        if isinstance(self.find(name), type):
            return own.call(name)
        if not own.config:
            return name
        return f"partial({name}, {own.call('').removeprefix('(')}"

    def require_given(self) -> None:
        """Raise `TargetError` if it does not have what its representation says that it is given."""

    def own_call(self, name: str, case: Case, arguments: str) -> tuple[str, str]:
        """Return how an operator that is built as a case asks is called, and what that imports."""
        call = f"{self.expression(name, case)}({arguments})"
        operators = sorted({name, *re.findall(r"\b([A-Z]\w*)\(", call)})
        lines = ["from functools import partial"] if call.startswith("partial(") else []
        return "\n".join([*lines, self.imports(operators)]), call

    def one_by_one(self) -> "Target":
        """Return it as what is called for one image at a time."""
        found = copy(self)
        found.representation = replace(self.representation, images="one")
        return found

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


def is_function(value: Any) -> bool:
    """Return whether something takes inputs and parameters in one call, not an object built."""
    kinds = (FunctionType, BuiltinFunctionType, MethodType)
    return isinstance(without_partial(value), kinds)


def parameters_of(found: Any) -> Callable[[str], bool]:
    """Return a function that tells of a name whether something callable has this parameter."""
    if found is None:
        return lambda name: True
    try:
        own = signature(found).parameters.values()
    except (TypeError, ValueError):  # what is written in C need not say
        return lambda name: isinstance(found, type)
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in own):
        return lambda name: True
    named = {parameter.name for parameter in own if parameter.kind is not parameter.POSITIONAL_ONLY}
    return named.__contains__


def import_target(name: str) -> ModuleType:
    """Import a module under test.

    Raises
    ------
    TargetError
        If it does not import; the message is one line, and says why.
    """
    # MXNet may be behind the target: let it import on today's NumPy.
    with numpy_for_mxnet():
        try:
            return importlib.import_module(name)
        except ImportError as error:
            hint = _close_to(name) if getattr(error, "name", None) in _parts(name) else ""
            raise TargetError(f"cannot import {name}: {text_of(error)}{hint}") from error
        except SystemExit as error:
            code = represented(error.code)
            raise TargetError(f"cannot import {name}: it calls sys.exit({code})") from error
        except Exception as error:
            raise TargetError(f"cannot import {name}: {error_text(error)}") from error


def _parts(name: str) -> list[str]:
    """Return a module's name, and those of the packages around it."""
    words = name.split(".")
    return [".".join(words[: n + 1]) for n in range(len(words))]


def _close_to(name: str) -> str:
    """Return which module may be meant by one that is not there, as the end of a sentence."""
    around, _, last = name.rpartition(".")
    package = sys.modules.get(around)
    if around and package is None:
        return _close_to(around)
    places = list(getattr(package, "__path__", ())) if around else None
    close = get_close_matches(last, {info.name for info in pkgutil.iter_modules(places)}, 1, 0.75)
    return f"; did you mean {'.'.join(filter(None, (around, close[0])))!r}?" if close else ""


def _import_with_submodules(name: str) -> list[ModuleType]:
    module = import_target(name)
    modules = [module]
    with numpy_for_mxnet():
        for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
            if info.name == "__main__":  # to import it is to run it
                continue
            try:
                modules.append(importlib.import_module(f"{name}.{info.name}"))
            except (Exception, SystemExit) as error:  # one broken submodule hides no other
                said = f"{name}.{info.name} does not import: {text_of(error)}"
                print(f"note: {said}", file=sys.stderr)
    return modules
