"""The code under test: where its operators are, and how each framework's are built and called."""

import importlib
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.spec import Case, as_outputs, build
from refkernels.legacy_numpy import numpy_for_mxnet

__all__ = ["Adapter", "GluonAdapter", "NumPyAdapter", "Target", "TargetError"]


class TargetError(Exception):
    """The target cannot be used: it does not import, or has none of the names."""


class Adapter(Protocol):
    """How operators of one framework are called."""

    name: str

    def contexts(self) -> list[str]:
        """Return the devices there are, such as ``cpu(0)``."""

    def modes(self, operator: Any) -> list[str]:
        """Return the ways in which `operator`, a class, can be run."""

    def prepare(self, operator: Any, mode: str, context: str) -> Callable[..., tuple[Array, ...]]:
        """Return a function of NumPy arrays that runs a built operator in this mode and place."""

    def paste(self, name: str, case: Case, module: str, mode: str, context: str) -> str:
        """Return Python that runs the case by itself."""


class NumPyAdapter:
    """Classes whose objects are called on NumPy arrays."""

    name = "NumPy"

    def contexts(self) -> list[str]:
        """Return the only place there is."""
        return ["cpu"]

    def modes(self, operator: Any) -> list[str]:
        """Return a plain call, and one on views with holes and reversed axes."""
        return ["call", "strided"]

    def prepare(self, operator: Any, mode: str, context: str) -> Callable[..., tuple[Array, ...]]:
        """Return the operator with its outputs as a tuple."""
        if mode == "strided":
            return lambda *inputs: as_outputs(operator(*(_strided(x) for x in inputs)))
        return lambda *inputs: as_outputs(operator(*inputs))

    def paste(self, name: str, case: Case, module: str, mode: str, context: str) -> str:
        """Return Python that runs the case by itself."""
        return "\n".join(
            [
                "import numpy as np, refkernels",
                f"from {module} import {', '.join(_names(name, case))}",
                case.assignments(),
                f"print({case.call(name)}({', '.join(case.inputs)}))",
                f"print({_kernel_call(name, case)})  # the kernel",
            ]
        )


class GluonAdapter:
    """MXNet Gluon blocks, imperative and hybridised, on every context that MXNet finds."""

    name = "Gluon"

    def __init__(self) -> None:
        from refkernels.gluon.compat import import_mxnet

        self._mx = import_mxnet()

    def contexts(self) -> list[str]:
        """Return ``cpu(0)`` and each GPU."""
        return ["cpu(0)", *(f"gpu({i})" for i in range(self._mx.context.num_gpus()))]

    def modes(self, operator: Any) -> list[str]:
        """Return hybridised and exported too for a `HybridBlock`."""
        hybrid = issubclass(operator, self._mx.gluon.HybridBlock)
        return ["imperative", "sliced", *(["hybridised", "exported"] if hybrid else [])]

    def prepare(self, operator: Any, mode: str, context: str) -> Callable[..., tuple[Array, ...]]:
        """Return a function that carries arrays to the context, runs the block and fetches."""
        place = self._context(context)
        operator.initialize(ctx=place)
        if mode in ("hybridised", "exported"):
            operator.hybridize()
        loaded: list[Any] = []

        def call(*inputs: Array) -> tuple[Array, ...]:
            arrays = [self._array(x, mode, place) for x in inputs]
            if mode == "exported":
                if not loaded:
                    loaded.append(self._reload(operator, arrays, place))
                outputs = loaded[0](*arrays)
            else:
                outputs = operator(*arrays)
            if not isinstance(outputs, (tuple, list)):
                outputs = (outputs,)
            return tuple(output.asnumpy() for output in outputs)

        return call

    def prepare_with_parameters(
        self, operator: Any, mode: str, context: str
    ) -> Callable[[Sequence[Array], Mapping[str, Array]], tuple[Array, ...]]:
        """Return a function that gives a block its parameters, then runs it, in the inputs' dtype.

        Parameters come by the ends of their names: each of the block's once, and no other.
        """
        place = self._context(context)
        operator.initialize(ctx=place)
        if mode in ("hybridised", "exported"):
            operator.hybridize()

        def call(inputs: Sequence[Array], parameters: Mapping[str, Array]) -> tuple[Array, ...]:
            operator.cast(inputs[0].dtype.name)
            left = dict(parameters)
            for name, parameter in operator.collect_params().items():
                ends = [end for end in left if name.endswith(end)]
                if not ends:
                    raise ValueError(f"the block has a parameter {name!r}, which is not expected")
                parameter.set_data(self._array(left.pop(max(ends, key=len)), "", place))
            if left:
                raise ValueError(f"the block has no parameter {', '.join(left)}")
            arrays = [self._array(x, mode, place) for x in inputs]
            run = self._reload(operator, arrays, place) if mode == "exported" else operator
            outputs = run(*arrays)
            if not isinstance(outputs, (tuple, list)):
                outputs = (outputs,)
            return tuple(output.asnumpy() for output in outputs)

        return call

    def paste(self, name: str, case: Case, module: str, mode: str, context: str) -> str:
        """Return Python that runs the case by itself."""
        arrays = ", ".join(
            f"mx.nd.array({x}, ctx=mx.{context}, dtype={x}.dtype)" for x in case.inputs
        )
        return "\n".join(
            [
                "import numpy as np, refkernels",
                "from refkernels.gluon.compat import import_mxnet",
                "mx = import_mxnet()",
                f"from {module} import {', '.join(_names(name, case))}",
                case.assignments(),
                f"block = {case.call(name)}",
                *(["block.hybridize()"] if mode in ("hybridised", "exported") else []),
                f"print(block({arrays}))",
                f"print({_kernel_call(name, case)})  # the kernel",
            ]
        )

    def _array(self, x: Array, mode: str, place: Any) -> Any:
        if mode == "sliced" and x.ndim and x.size:
            # A view into a larger array, whose first element is not the first of its memory.
            around = np.concatenate([x[:1], x, x[-1:]])
            return self._mx.nd.array(around, ctx=place, dtype=x.dtype)[1 : 1 + len(x)]
        return self._mx.nd.array(x, ctx=place, dtype=x.dtype)

    def _reload(self, operator: Any, arrays: list[Any], place: Any) -> Callable[..., Any]:
        """Export a block to symbol and parameters, and load these."""
        operator(*arrays)
        with tempfile.TemporaryDirectory(prefix="refkernels-") as folder:
            prefix = f"{folder}/block"
            operator.export(prefix)
            used = self._mx.sym.load(f"{prefix}-symbol.json").list_inputs()
            names = ["data"] if len(arrays) == 1 else [f"data{i}" for i in range(len(arrays))]
            # An input that only its shape or nothing is taken of may not be in the graph.
            kept = [i for i, name in enumerate(names) if name in used]
            block = self._mx.gluon.SymbolBlock.imports(
                f"{prefix}-symbol.json", [names[i] for i in kept], f"{prefix}-0000.params", place
            )
        return lambda *inputs: block(*(inputs[i] for i in kept))

    def _context(self, name: str) -> Any:
        kind, _, index = name.rstrip(")").partition("(")
        return self._mx.Context(kind, int(index or 0))


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
        self._adapters: dict[str, Adapter] = {}

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

    def adapter(self, name: str) -> Adapter:
        """Return the adapter of an operator's framework."""
        kind = GluonAdapter if _is_gluon(self.find(name)) else NumPyAdapter
        if kind.name not in self._adapters:
            self._adapters[kind.name] = kind()
        return self._adapters[kind.name]

    def build(self, name: str, config: Mapping[str, Any]) -> Any:
        """Construct an operator; a recipe in its configuration becomes the target's own."""
        return build(self.find(name), config, self._require)

    def _require(self, name: str) -> Any:
        found = self.find(name)
        if found is None:
            raise TargetError(f"{self.module} has no {name}")
        return found


def _import_with_submodules(name: str) -> list[ModuleType]:
    # MXNet may be behind the target: let it import on today's NumPy.
    with numpy_for_mxnet():
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            raise TargetError(f"cannot import {name}: {error}") from error
        except Exception as error:
            raise TargetError(f"cannot import {name}: {type(error).__name__}: {error}") from error
        modules = [module]
        for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
            try:
                modules.append(importlib.import_module(f"{name}.{info.name}"))
            except Exception as error:  # one broken submodule does not hide the others
                print(f"note: {name}.{info.name} does not import: {error}", file=sys.stderr)
    return modules


def _is_gluon(operator: Any) -> bool:
    bases = getattr(operator, "__mro__", ())
    return any(f"{c.__module__}.{c.__name__}" == "mxnet.gluon.block.Block" for c in bases)


def _strided(x: Array) -> Array:
    """Return equal values in a layout that is neither contiguous nor in order."""
    if not x.ndim:
        return x
    spread = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    view = spread[tuple(slice(None, None, -2) for _ in x.shape)]
    view[...] = x
    return view


def _names(name: str, case: Case) -> list[str]:
    """Return the operators that a pasted call mentions."""
    text = case.call(name)
    return sorted(
        {part for part in _identifiers(text) if part[:1].isupper() and f"{part}(" in text}
    )


def _identifiers(text: str) -> list[str]:
    return "".join(c if c.isidentifier() or c.isdigit() else " " for c in text).split()


def _kernel_call(name: str, case: Case) -> str:
    call = case.call(name)
    for operator in _names(name, case):
        call = call.replace(f"{operator}(", f"refkernels.{operator}(")
    return f"{call}({', '.join(case.inputs)})"


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
