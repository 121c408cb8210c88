"""The code under test: where its operators are, and which framework they are written in."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import signature
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.model.operator import Case, build
from refkernels.conformance.model.quoting import error_text, represented, text_of
from refkernels.conformance.targets.adapter import Adapter, TargetError
from refkernels.conformance.targets.frameworks import adapter_of, framework
from refkernels.conformance.targets.offering import EVERYTHING, Offers
from refkernels.legacy_numpy import numpy_for_mxnet

__all__ = ["Target", "is_function", "parameters_of"]


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

        It has those that its signature names, or that of the class's constructor; whatever has no
        signature, or takes any keyword, counts as having all.
        """
        return parameters_of(self.find(name))

    def takes(self, name: str, count: int) -> bool:
        """Return whether an operator's call takes so many inputs, as far as its signature says."""
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
        return adapter_of(framework(self.find(name)))

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


def is_function(value: Any) -> bool:
    """Return whether something takes inputs and parameters in one call, not an object built."""
    return isinstance(value, (FunctionType, BuiltinFunctionType, MethodType, partial))


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
