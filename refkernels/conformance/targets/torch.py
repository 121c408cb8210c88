"""Modules and functions of PyTorch."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16, BFloat16, rounded
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.outputs import OutputError, as_outputs
from refkernels.conformance.model.quoting import error_text
from refkernels.conformance.targets.adapter import Call
from refkernels.conformance.targets.calls import (
    require_unchanged,
    seed_globals,
)
from refkernels.conformance.targets.paste import Snippet

__all__ = ["TorchAdapter"]


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
        """Return a plain call, one on tensors with holes, and one where PyTorch picks dtypes."""
        return ["call", "strided", "autocast"]

    def draws_by_image(self, operator: Any) -> bool:
        """Return that they are not: they come from a generator of all images."""
        return False

    def owns_parameters(self, operator: Any) -> bool:
        """Return whether a built operator has its weights, and is not given them with each call."""
        return hasattr(operator, "named_parameters")

    def prepare(
        self, operator: Any, mode: str, context: str, run: Callable[..., Any] | None = None
    ) -> Call:
        """Return a function that carries arrays to the device, runs the operator and fetches."""
        if isinstance(operator, self._torch.nn.Module):
            operator.to(context)
        run = operator if run is None else run

        def call(*inputs: Array, seed: int | None = None) -> tuple[Array, ...]:
            """Run the operator on the device, and return its outputs."""
            if seed_globals(seed):
                self._torch.manual_seed(seed)
            tensors = [self._tensor(x, context) for x in inputs]
            if mode == "strided":
                tensors = [self._spread(tensor) for tensor in tensors]
            with self._cast(mode, context):
                outputs = run(*tensors)
            fetched = as_outputs(outputs, self._read)
            require_unchanged(inputs, [self._read(tensor) for tensor in tensors])
            return fetched

        return call

    def doing(self, case: Case, dtype: str) -> str:
        """Tell of a parameter that is another number in float16 if it goes by way of float32."""
        if dtype == "float16" and any(map(_is_rounded_twice, case.numbers())):
            return "PyTorch rounds a Python number to float16 by way of float32"
        if dtype == BFLOAT16 and any(
            rounded(np.float32(n)) != rounded(n) for n in case.numbers() if np.isfinite(n)
        ):
            return "PyTorch rounds a Python number to bfloat16 by way of float32"
        return ""

    def _tensor(self, x: Array, context: str) -> Any:
        dtype = self._torch.bfloat16 if isinstance(x, BFloat16) else None
        return self._torch.tensor(x, dtype=dtype, device=context)

    def _cast(self, mode: str, context: str) -> AbstractContextManager[Any]:
        if mode != "autocast":
            return nullcontext()
        return self._torch.autocast(context.partition(":")[0])  # type: ignore[no-any-return]

    def shown(self, call: str, mode: str, context: str) -> str:
        """Return a line that prints what a call returns in this mode."""
        if mode != "autocast":
            return f"print({call})"
        return f"with torch.autocast({context.partition(':')[0]!r}): print({call})"

    imports = "import torch"

    def written(self, array: Array, mode: str, context: str) -> str:
        """Return an expression of a tensor, in mode strided one with holes."""
        device = "" if context == "cpu" else f", device={context!r}"
        dtype = "torch.bfloat16" if isinstance(array, BFloat16) else f"torch.{array.dtype}"
        if not array.size:
            return f"torch.zeros({array.shape}, dtype={dtype}{device})"
        text = f"torch.tensor({array.tolist()}, dtype={dtype}{device})"
        if mode != "strided" or not array.ndim:
            return text
        spread = "".join(f".repeat_interleave(2, {axis})" for axis in range(array.ndim))
        return f"{text}{spread}[{', '.join(['::2'] * array.ndim)}]"

    def paste(self, snippet: Snippet, names: Sequence[str], mode: str, context: str) -> str:
        """Return Python that runs the case by itself."""
        if mode == "strided":
            setup = "from refkernels.conformance.targets.torch import TorchAdapter"
            run = f"TorchAdapter().prepare({snippet.subject}, {mode!r}, {context!r})"
            return snippet.lines(setup, f"print({run}({', '.join(names)}))")
        device = "" if context == "cpu" else f", device={context!r}"
        arrays = ", ".join(
            f"torch.tensor({name}{device}{', dtype=torch.bfloat16' * (name in snippet.coarse)})"
            for name in names
        )
        call = f"{snippet.subject}({arrays})"
        return snippet.lines("import torch", self.shown(call, mode, context))

    def prepare_with_parameters(
        self, operator: Any, mode: str, context: str
    ) -> Callable[[Sequence[Array], Mapping[str, Array]], tuple[Array, ...]]:
        """Return a function that gives a module its parameters by the ends of their names."""

        def call(inputs: Sequence[Array], parameters: Mapping[str, Array]) -> tuple[Array, ...]:
            """Give the module its parameters, run it, and return its outputs."""
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
            if output.dtype == self._torch.bfloat16:
                return output.detach().cpu().float().numpy().copy().view(BFloat16)
            return output.detach().cpu().numpy().copy()
        except (TypeError, RuntimeError) as error:  # it is sparse, or of a dtype of its own
            raise OutputError(f"cannot be read as an array: {error_text(error)}") from None


def _is_rounded_twice(number: float) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.float16(np.float32(number)) != np.float16(number))
