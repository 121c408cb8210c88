"""Functions of JAX arrays."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16, BFloat16, rounded
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.outputs import as_outputs
from refkernels.conformance.targets.adapter import Call
from refkernels.conformance.targets.calls import (
    seed_globals,
)
from refkernels.conformance.targets.paste import Snippet

__all__ = ["JaxAdapter"]


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

    def owns_parameters(self, operator: Any) -> bool:
        """Return whether a built operator has its weights, and is not given them with each call."""
        return False

    def prepare(
        self, operator: Any, mode: str, context: str, run: Callable[..., Any] | None = None
    ) -> Call:
        """Return a function that carries arrays to the device, runs the operator and fetches."""
        platform, _, number = context.partition(":")
        device = self._jax.devices(platform)[int(number)]

        def call(*inputs: Array, seed: int | None = None) -> tuple[Array, ...]:
            """Run the operator on the device, and return its outputs."""
            seed_globals(seed)  # keys are the target's own
            # JAX makes float64 float32 unless told otherwise.
            wide = any(x.dtype == np.float64 for x in inputs)
            with self._x64() if wide else nullcontext():
                arrays = [self._jax.device_put(self._typed(x), device) for x in inputs]
                return as_outputs((run or operator)(*arrays), _read)  # arrays never change here

        return call

    def doing(self, case: Case, dtype: str) -> str:
        """Tell of numbers below the normal range, taken for 0, and of some rounded twice."""
        if dtype == BFLOAT16 and any(
            rounded(np.float32(n)) != rounded(n) for n in case.numbers() if np.isfinite(n)
        ):
            return "JAX rounds a Python number to bfloat16 by way of float32"
        tiny = float(np.finfo(dtype if dtype.startswith("float") else np.float32).tiny)
        arrays = [np.abs(x.astype(np.float64)) for x in case.inputs.values() if x.dtype.kind == "f"]
        numbers = np.concatenate([np.abs(case.numbers()), *(array.ravel() for array in arrays)])
        if ((numbers > 0) & (numbers < tiny)).any():
            return "JAX takes numbers below the normal range for 0"
        return ""

    imports = "import jax, jax.numpy as jnp\njax.config.update('jax_enable_x64', True)"

    def shown(self, call: str, mode: str, context: str) -> str:
        """Return a line that prints what a call returns."""
        return f"print({call})"

    def written(self, array: Array, mode: str, context: str) -> str:
        """Return an expression of an array."""
        if not array.size:
            return f"jnp.zeros({array.shape}, '{_dtype(array)}')"
        return f"jnp.array({array.tolist()}, '{_dtype(array)}')"

    def paste(self, snippet: Snippet, names: Sequence[str], mode: str, context: str) -> str:
        """Return Python that runs the case by itself."""
        setup = "import jax, jax.numpy as jnp"
        if "np.float64" in snippet.arrays:
            setup += "\njax.config.update('jax_enable_x64', True)"
        arrays = ", ".join(
            f"jnp.asarray({name}{', jnp.bfloat16' * (name in snippet.coarse)})" for name in names
        )
        return snippet.lines(setup, f"print({snippet.subject}({arrays}))")

    def _typed(self, x: Array) -> Any:
        return self._jax.numpy.asarray(x, "bfloat16") if isinstance(x, BFloat16) else x

    def _x64(self) -> Any:
        if hasattr(self._jax, "enable_x64"):
            return self._jax.enable_x64(True)
        from jax.experimental import enable_x64

        return enable_x64(True)


def _dtype(array: Array) -> str:
    return "bfloat16" if isinstance(array, BFloat16) else str(array.dtype)


def _read(output: Any) -> Any:
    if str(getattr(output, "dtype", "")) != "bfloat16":
        return output
    return np.asarray(output.astype("float32")).view(BFloat16)
