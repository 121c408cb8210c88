"""Which framework code is written in, and the adapter for it."""

import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from refkernels.conformance.targets.adapter import Adapter, TargetError
from refkernels.conformance.targets.jax import JaxAdapter
from refkernels.conformance.targets.mxnet import GluonAdapter
from refkernels.conformance.targets.numpy import NumPyAdapter
from refkernels.conformance.targets.torch import TorchAdapter

__all__ = ["ADAPTERS", "adapter_of", "framework", "without_partial"]

# By the name of the package that a target is written in.
ADAPTERS: Mapping[str, Callable[[], Adapter]] = {
    "numpy": NumPyAdapter,
    "mxnet": GluonAdapter,
    "torch": TorchAdapter,
    "jax": JaxAdapter,
}


def framework(operator: Any) -> str:
    """Return the package that an operator's arrays are of: numpy, mxnet, torch or jax.

    It is, the first of these that applies:

    1. what the operator, or else the module that defines it, says in ``__refkernels_framework__``;
    2. ``mxnet`` for a Gluon block and for what describes a custom operator of MXNet, ``torch`` for
       a module of PyTorch (or a class of any of these);
    3. ``torch`` or ``jax`` if the module that defines it has imported one of the two, and not both;
    4. ``numpy``.

    A partial is of the framework of what it calls, and a method of that of its object.
    """
    operator = without_partial(operator)
    module = sys.modules.get(getattr(operator, "__module__", None) or "")
    for place in (operator, module):
        said = getattr(place, "__refkernels_framework__", None)
        if said is not None:
            if said not in ADAPTERS:
                known = ", ".join(ADAPTERS)
                raise TargetError(f"__refkernels_framework__ is {said!r}, expected one of: {known}")
            return str(said)
    owner = operator.__self__ if isinstance(operator, MethodType) else operator
    cls = owner if isinstance(owner, type) else type(owner)
    bases = {f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__}
    if bases & {"mxnet.gluon.block.Block", "mxnet.operator.CustomOpProp"}:
        return "mxnet"
    if "torch.nn.modules.module.Module" in bases:
        return "torch"
    used = {_package_of(value) for value in vars(module).values()} if module is not None else set()
    found = used & {"torch", "jax"}
    return found.pop() if len(found) == 1 else "numpy"


def without_partial(operator: Any) -> Any:
    """Return what is called in the end, through `functools.partial` or not."""
    while isinstance(operator, partial):
        operator = operator.func
    return operator


def _package_of(value: Any) -> str:
    """Return the package of a module, function or class that a module has imported."""
    if isinstance(value, ModuleType):
        return value.__name__.partition(".")[0]
    if isinstance(value, (type, FunctionType, BuiltinFunctionType)):
        return str(value.__module__).partition(".")[0]
    return ""


@cache
def adapter_of(name: str) -> Adapter:
    """Return the adapter for a framework, which is imported with it."""
    return ADAPTERS[name]()
