"""How operators of each framework are built and called, on NumPy arrays in and out.

An adapter imports its framework when it is made, and it is made only for a target that uses it.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import Any, Protocol

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.outputs import OutputError, as_outputs
from refkernels.conformance.model.quoting import error_text, name_of
from refkernels.conformance.targets.calls import (
    InputsChanged,
    require_unchanged,
    seed_globals,
    takes_rng,
)
from refkernels.conformance.targets.paste import Snippet

__all__ = [
    "ADAPTERS",
    "Adapter",
    "GluonAdapter",
    "InputsChanged",
    "JaxAdapter",
    "NumPyAdapter",
    "TorchAdapter",
    "strided",
]

Call = Callable[..., tuple[Array, ...]]


class Adapter(Protocol):
    """How operators of one framework are called."""

    name: str

    def contexts(self) -> list[str]:
        """Return the devices there are, such as ``cpu(0)``."""

    def modes(self, operator: Any) -> list[str]:
        """Return the ways in which `operator`, a class or a built one, can be run."""

    def prepare(self, operator: Any, mode: str, context: str) -> Call:
        """Return a function of NumPy arrays that runs a built operator in this mode and place.

        With a keyword `seed`, an integer, it seeds what the operator draws from. It raises
        `InputsChanged` if the operator writes to what it is given.
        """

    def draws_by_image(self, operator: Any) -> bool:
        """Return whether lots of `operator` are offered to depend on seed and place alone."""

    def paste(self, snippet: Snippet, names: Sequence[str], mode: str, context: str) -> str:
        """Return Python that runs a case by itself; `names` are those of its inputs."""


class NumPyAdapter:
    """Classes whose objects are called on NumPy arrays, and functions of them."""

    name = "NumPy"

    def contexts(self) -> list[str]:
        """Return the only place there is."""
        return ["cpu"]

    def modes(self, operator: Any) -> list[str]:
        """Return a plain call, and one on views with holes and reversed axes."""
        return ["call", "strided"]

    def draws_by_image(self, operator: Any) -> bool:
        """Return whether the call takes `rng`, of which SPEC says what each image draws."""
        return takes_rng(operator.__call__ if isinstance(operator, type) else operator)

    def prepare(self, operator: Any, mode: str, context: str) -> Call:
        """Return the operator with its outputs as a tuple."""

        def call(*inputs: Array, seed: int | None = None) -> tuple[Array, ...]:
            arrays = [strided(x) if mode == "strided" else x.copy() for x in inputs]
            keywords = {"rng": seed} if seed_globals(seed) and takes_rng(operator) else {}
            # Outputs may be views of the inputs, but no longer than until the next call.
            with np.errstate(all="ignore"):  # infinity is a result like any other
                result = as_outputs(operator(*arrays, **keywords))
                outputs = tuple(output.copy() for output in result)
            require_unchanged(inputs, arrays)
            return outputs

        return call

    def paste(self, snippet: Snippet, names: Sequence[str], mode: str, context: str) -> str:
        """Return Python that runs the case by itself."""
        if mode == "strided":
            setup = "from refkernels.conformance.targets.adapter import strided"
            arguments = ", ".join(f"strided({name})" for name in names)
        else:
            setup, arguments = "", ", ".join(names)
        return snippet.lines(setup, f"print({snippet.subject}({arguments}))")


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

    def prepare(self, operator: Any, mode: str, context: str) -> Call:
        """Return a function that carries arrays to the context, runs the block and fetches."""
        place = self._context(context)
        self._place(operator, mode, place)
        loaded: list[Any] = []

        def call(*inputs: Array) -> tuple[Array, ...]:
            arrays = [self._array(x, mode, place) for x in inputs]
            if mode != "exported":
                return self._fetch(operator(*arrays), inputs, arrays)
            if not loaded:
                loaded.append(self._reload(operator, arrays, place))
            return self._fetch(loaded[0](*arrays), inputs, arrays)

        return self._settled(call)

    def _settled(self, call: Call) -> Call:
        """Return `call` such that errors MXNet still holds back do not come out of a later one."""

        def run(*inputs: Array, seed: int | None = None) -> tuple[Array, ...]:
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
            setup += "\nfrom refkernels.conformance.targets.adapter import GluonAdapter"
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


class TorchAdapter:  # pragma: no cover (where PyTorch is installed, test_frameworks runs it)
    """PyTorch modules, and classes and functions that take tensors."""

    name = "PyTorch"

    def __init__(self) -> None:
        import torch

        self._torch = torch

    def contexts(self) -> list[str]:
        """Return the CPU and each GPU."""
        return ["cpu", *(f"cuda:{i}" for i in range(self._torch.cuda.device_count()))]

    def modes(self, operator: Any) -> list[str]:
        """Return a plain call, and one on tensors that are not contiguous."""
        return ["call", "strided"]

    def draws_by_image(self, operator: Any) -> bool:
        """Return that they are not: they come from a generator of all images."""
        return False

    def prepare(self, operator: Any, mode: str, context: str) -> Call:
        """Return a function that carries arrays to the device, runs the operator and fetches."""
        if isinstance(operator, self._torch.nn.Module):
            operator.to(context)

        def call(*inputs: Array, seed: int | None = None) -> tuple[Array, ...]:
            if seed_globals(seed):
                self._torch.manual_seed(seed)
            tensors = [self._torch.tensor(x, device=context) for x in inputs]
            if mode == "strided":
                tensors = [self._spread(tensor) for tensor in tensors]
            fetched = as_outputs(operator(*tensors), self._read)
            require_unchanged(inputs, [self._read(tensor) for tensor in tensors])
            return fetched

        return call

    def paste(self, snippet: Snippet, names: Sequence[str], mode: str, context: str) -> str:
        """Return Python that runs the case by itself."""
        if mode == "strided":
            setup = "from refkernels.conformance.targets.adapter import TorchAdapter"
            run = f"TorchAdapter().prepare({snippet.subject}, {mode!r}, {context!r})"
            return snippet.lines(setup, f"print({run}({', '.join(names)}))")
        device = "" if context == "cpu" else f", device={context!r}"
        arrays = ", ".join(f"torch.tensor({name}{device})" for name in names)
        return snippet.lines("import torch", f"print({snippet.subject}({arrays}))")

    def prepare_with_parameters(
        self, operator: Any, mode: str, context: str
    ) -> Callable[[Sequence[Array], Mapping[str, Array]], tuple[Array, ...]]:
        """Return a function that gives a module its parameters by the ends of their names."""

        def call(inputs: Sequence[Array], parameters: Mapping[str, Array]) -> tuple[Array, ...]:
            left = dict(parameters)
            for name, parameter in operator.named_parameters():
                ends = [end for end in left if name.endswith(end)]
                if not ends:
                    raise ValueError(f"the module has a parameter {name!r}, which is not expected")
                value = left.pop(max(ends, key=len))
                parameter.data = self._torch.tensor(value, device=context)
            if left:
                raise ValueError(f"the module has no parameter {', '.join(left)}")
            return self.prepare(operator, mode, context)(*inputs)

        return call

    def _spread(self, tensor: Any) -> Any:
        """Return equal values with holes between them; PyTorch has no negative strides."""
        if not tensor.ndim:
            return tensor
        every_second = tuple(slice(None, None, 2) for _ in tensor.shape)
        spread = tensor.new_zeros([2 * n for n in tensor.shape])[every_second]
        spread.copy_(tensor)
        return spread

    def _read(self, output: Any) -> Any:
        if not isinstance(output, self._torch.Tensor):
            return output
        try:  # a copy: it may share its memory with an input, and so change after this call
            return output.detach().cpu().numpy().copy()
        except (TypeError, RuntimeError) as error:  # it is sparse, or of a dtype of its own
            raise OutputError(f"cannot be read as an array: {error_text(error)}") from None


class JaxAdapter:  # pragma: no cover (where JAX is installed, test_frameworks runs it)
    """Functions of JAX arrays, and classes whose objects take them."""

    name = "JAX"

    def __init__(self) -> None:
        import jax

        self._jax = jax

    def contexts(self) -> list[str]:
        """Return the devices, such as ``cpu:0``."""
        return [f"{device.platform}:{device.id}" for device in self._jax.devices()]

    def modes(self, operator: Any) -> list[str]:
        """Return a plain call: there are no views, and what to compile is the target's choice."""
        return ["call"]

    def draws_by_image(self, operator: Any) -> bool:
        """Return that they are not: they come from a generator of all images."""
        return False

    def prepare(self, operator: Any, mode: str, context: str) -> Call:
        """Return a function that carries arrays to the device, runs the operator and fetches."""
        platform, _, number = context.partition(":")
        device = self._jax.devices(platform)[int(number)]

        def call(*inputs: Array, seed: int | None = None) -> tuple[Array, ...]:
            seed_globals(seed)  # keys are the target's own
            # JAX makes float64 float32 unless told otherwise.
            wide = any(x.dtype == np.float64 for x in inputs)
            with self._x64() if wide else nullcontext():
                arrays = [self._jax.device_put(x, device) for x in inputs]
                return as_outputs(operator(*arrays))  # arrays never change here

        return call

    def paste(self, snippet: Snippet, names: Sequence[str], mode: str, context: str) -> str:
        """Return Python that runs the case by itself."""
        setup = "import jax, jax.numpy as jnp"
        if "np.float64" in snippet.arrays:
            setup += "\njax.config.update('jax_enable_x64', True)"
        arrays = ", ".join(f"jnp.asarray({name})" for name in names)
        return snippet.lines(setup, f"print({snippet.subject}({arrays}))")

    def _x64(self) -> Any:
        if hasattr(self._jax, "enable_x64"):
            return self._jax.enable_x64(True)
        from jax.experimental import enable_x64

        return enable_x64(True)


# By the name of the package that a target is written in.
ADAPTERS: Mapping[str, Callable[[], Adapter]] = {
    "numpy": NumPyAdapter,
    "mxnet": GluonAdapter,
    "torch": TorchAdapter,
    "jax": JaxAdapter,
}


def strided(x: Array) -> Array:
    """Return equal values in a layout that is neither contiguous nor in order."""
    if not x.ndim:
        return x.copy()
    spread = np.zeros(tuple(2 * n for n in x.shape), x.dtype)
    view = spread[tuple(slice(None, None, -2) for _ in x.shape)]
    view[...] = x
    return view
