"""Blocks, called on NumPy arrays in every mode and on every context there is."""

import importlib
import sys
from collections.abc import Callable
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

MODES = ("imperative", "hybridised", "exported")


class Runner:
    """Runs blocks in one mode: on NumPy arrays in and out.

    A block is hybridised, or exported and loaded again, when it is first seen; whatever it is
    called with later, of any dtype and shape, runs through that same graph.
    """

    def __init__(self, mode: str, context: Any, folder: Path) -> None:
        self.mode, self.context, self.folder = mode, context, folder
        self.prepared: dict[Any, Any] = {}
        self.number = count()

    def __call__(self, block: Any, *arrays: Any) -> Any:
        import mxnet as mx

        inputs = [mx.nd.array(a, ctx=self.context, dtype=a.dtype) for a in map(np.asarray, arrays)]
        if block not in self.prepared:
            self.prepared[block] = self.prepare(block, inputs)
        outputs = self.prepared[block](*inputs)
        if isinstance(outputs, (list, tuple)):
            return tuple(output.asnumpy() for output in outputs)
        return outputs.asnumpy()

    def prepare(self, block: Any, inputs: list[Any]) -> Any:
        from mxnet.gluon import SymbolBlock

        block.initialize(ctx=self.context)
        if self.mode == "imperative":
            return block
        block.hybridize()
        if self.mode == "hybridised":
            return block
        block(*inputs)
        path = self.folder / str(next(self.number))
        block.export(str(path))
        names = ["data"] if len(inputs) == 1 else [f"data{i}" for i in range(len(inputs))]
        parameters = Path(f"{path}-0000.params")
        return SymbolBlock.imports(
            f"{path}-symbol.json",
            names,
            str(parameters) if parameters.exists() else None,
            ctx=self.context,
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for `run` every mode and context; without MXNet none comes here."""
    if "run" in metafunc.fixturenames:
        import mxnet as mx

        contexts = [mx.cpu(0), *(mx.gpu(i) for i in range(mx.context.num_gpus()))]
        cases = list(product(MODES, contexts))
        names = [f"{mode}-{context}" for mode, context in cases]
        metafunc.parametrize("run", cases, ids=names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    mode, context = request.param
    return Runner(mode, context, tmp_path_factory.mktemp(mode))


@pytest.fixture(params=["float16", "float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> Any:
    return np.dtype(request.param)


@pytest.fixture
def assert_no_gradient() -> Callable[..., None]:
    """Return a check that a block lets none through, wherever its inputs come from.

    They come from operators that look at what they kept of the forward pass, since MXNet crashes
    where that is missing.
    """
    import mxnet as mx

    def check(block: Any, *inputs: Any) -> None:
        for _ in range(3):
            leaves = [array.copy() for array in inputs]
            for leaf in leaves:
                leaf.attach_grad()
            with mx.autograd.record():
                made = [mx.nd.split(mx.nd.concat(a * 1, a, dim=0), 2, axis=0)[0] for a in leaves]
                outputs = block(*made)
                outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
                loss = sum((array * 3).sum() for array in made)
                loss = loss + sum((output * 2).sum() for output in outputs)
            loss.backward()
            for leaf in leaves:
                np.testing.assert_array_equal(leaf.grad.asnumpy(), 3)
            with mx.autograd.record():
                made = [mx.nd.split(mx.nd.concat(a * 1, a, dim=0), 2, axis=0)[0] for a in leaves]
                outputs = block(*made)
                outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            outputs[-1].backward()
            for leaf in leaves:
                np.testing.assert_array_equal(leaf.grad.asnumpy(), 0)

    return check


@pytest.fixture(scope="session")
def gluoncv_nn() -> Any:
    """Return the module that refkernels.gluon is named after, where it is installed."""
    from refkernels.gluon.quota_sampler import claim_name
    from refkernels.legacy_numpy import numpy_for_mxnet

    with pytest.MonkeyPatch.context() as patch, numpy_for_mxnet():
        if not {"gluoncv", "torch"} & set(sys.modules):
            patch.setitem(sys.modules, "torch", None)  # it rejects any torch of today
        module = pytest.importorskip("gluoncv.nn", exc_type=Exception)
        importlib.import_module("gluoncv.nn.feature")
        importlib.import_module("gluoncv.nn.predictor")
    claim_name()
    return module
