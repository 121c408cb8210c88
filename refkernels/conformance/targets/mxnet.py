"""Gluon blocks of MXNet."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.outputs import OutputError, as_outputs
from refkernels.conformance.model.quoting import name_of
from refkernels.conformance.targets.adapter import Call
from refkernels.conformance.targets.calls import (
    require_unchanged,
    seed_globals,
)
from refkernels.conformance.targets.paste import Snippet

__all__ = ["GluonAdapter"]


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
        """Return hybridised and exported too for a `HybridBlock` and for a custom operator."""
        block = operator if isinstance(operator, type) else type(operator)
        hybrid = issubclass(block, (self._mx.gluon.HybridBlock, self._mx.operator.CustomOpProp))
        return ["imperative", "sliced", *(["hybridised", "exported"] if hybrid else [])]

    def draws_by_image(self, operator: Any) -> bool:
        """Return that they are: blocks follow SPEC, and are seeded by MXNet's generator."""
        return True

    def owns_parameters(self, operator: Any) -> bool:
        """Return whether a built operator has its weights, and is not given them with each call."""
        return hasattr(operator, "collect_params")

    def prepare(
        self, operator: Any, mode: str, context: str, run: Callable[..., Any] | None = None
    ) -> Call:
        """Return a function that carries arrays to the context, runs the block and fetches."""
        place = self._context(context)
        self._place(operator, mode, place)
        loaded: list[Any] = []

        def call(*inputs: Array) -> tuple[Array, ...]:
            """Run the block, or what is loaded of its export, and return its outputs."""
            arrays = [self._array(x, mode, place) for x in inputs]
            if mode != "exported" or run is not None:
                return self._fetch((run or operator)(*arrays), inputs, arrays)
            if not loaded:
                loaded.append(self._reload(operator, arrays, place))
            return self._fetch(loaded[0](*arrays), inputs, arrays)

        return self._settled(call)

    def _settled(self, call: Call) -> Call:
        """Return `call` such that errors MXNet still holds back do not come out of a later one."""

        def run(*inputs: Array, seed: int | None = None) -> tuple[Array, ...]:
            """Make the call; if it fails, drop what errors MXNet still holds back."""
            if seed_globals(seed):
                self._mx.random.seed(seed)
            try:
                return call(*inputs)
            except BaseException:
                with suppress(self._mx.MXNetError):
                    self._mx.nd.waitall()
                raise

        return run

    def prepare_with_parameters(
        self, operator: Any, mode: str, context: str
    ) -> Callable[[Sequence[Array], Mapping[str, Array]], tuple[Array, ...]]:
        """Return a function that gives a block its parameters, then runs it, in the inputs' dtype.

        Parameters come by the ends of their names: each of the block's once, and no other.
        """
        place = self._context(context)
        self._place(operator, mode, place)

        def call(inputs: Sequence[Array], parameters: Mapping[str, Array]) -> tuple[Array, ...]:
            """Give the block its parameters, run it, and return its outputs."""
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
            return self._fetch(run(*arrays), inputs, arrays)

        return call

    def doing(self, case: Case, dtype: str) -> str:
        """Return nothing: numbers are what they are."""
        return ""

    imports = "from refkernels.gluon.compat import import_mxnet\nmx = import_mxnet()"

    def shown(self, call: str, mode: str, context: str) -> str:
        """Return a line that prints what a call returns."""
        return f"print({call})"

    def written(self, array: Array, mode: str, context: str) -> str:
        """Return an expression of an array."""
        where = f"ctx=mx.{context}, dtype='{array.dtype}'"
        if not array.size:
            return f"mx.nd.zeros({array.shape}, {where})"
        return f"mx.nd.array({array.tolist()}, {where})"

    def paste(self, snippet: Snippet, names: Sequence[str], mode: str, context: str) -> str:
        """Return Python that runs the case by itself."""
        setup = "from refkernels.gluon.compat import import_mxnet\nmx = import_mxnet()"
        block = f"block = {snippet.subject}"
        if mode in ("imperative", "hybridised"):
            arrays = ", ".join(
                f"mx.nd.array({x}, ctx=mx.{context}, dtype={x}.dtype)" for x in names
            )
            hybridize = "block.hybridize()" if mode == "hybridised" else ""
            lines = (block, *filter(None, [hybridize]), f"print(block({arrays}))")
        else:
            setup += "\nfrom refkernels.conformance.targets.mxnet import GluonAdapter"
            run = f"run = GluonAdapter().prepare(block, {mode!r}, {context!r})"
            lines = (block, run, f"print(run({', '.join(names)}))")
        return snippet.lines(setup, *lines)

    def _place(self, operator: Any, mode: str, place: Any) -> None:
        if hasattr(operator, "initialize"):  # a function of MXNet arrays has not
            operator.initialize(ctx=place)
            operator.hybridize(mode in ("hybridised", "exported"))

    def _array(self, x: Array, mode: str, place: Any) -> Any:
        if mode == "sliced" and x.ndim and x.size:
            # A view into a larger array, whose first element is not the first of its memory.
            around = np.concatenate([x[:1], x, x[-1:]])
            return self._mx.nd.array(around, ctx=place, dtype=x.dtype)[1 : 1 + len(x)]
        return self._mx.nd.array(x, ctx=place, dtype=x.dtype)

    def _fetch(self, outputs: Any, inputs: Sequence[Array], arrays: list[Any]) -> tuple[Array, ...]:
        fetched = as_outputs(outputs, self._read)
        require_unchanged(inputs, [array.asnumpy() for array in arrays])
        return fetched

    def _read(self, output: Any) -> Any:
        if not isinstance(output, self._mx.nd.NDArray):
            raise OutputError(f"is of type {name_of(output)}, expected an NDArray")
        return output.asnumpy()

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
