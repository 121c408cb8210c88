"""Whole networks: the reference evaluator beside MXNet, hybridised.

Both use as many threads as ``--threads`` says: it sets the variable that NumPy's matrix product
follows as well.
"""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness import Contestant, Peer, compare, load
from refkernels.feature import GraphEvaluator

__all__ = ["run"]

NETWORKS = ("resnet18_v1", "mobilenet1.0")
SIZE = 224
# Ours may take five times as long.
TARGET = 0.2


def run(rounds: int) -> bool:
    """Measure all; return whether every target is met."""
    peers, skipped = load((Peer("MXNet", _mxnet),))
    print("\n".join(skipped))
    if "MXNet" not in peers:  # whose model zoo has the networks
        return True
    print(f"NumPy's matrix product: {_blas()}")
    met = True
    for name in NETWORKS:
        met &= _race(name, peers["MXNet"], rounds)
    return met


def _race(name: str, mxnet: Any, rounds: int) -> bool:
    from refkernels.conformance.network.mxnet_graph import random_network

    json, params, image = random_network(name, SIZE)
    evaluator = GraphEvaluator(json, params)
    symbol = mxnet.sym.load_json(json)
    block = mxnet.gluon.SymbolBlock(symbol, [mxnet.sym.var("data")])
    for key, parameter in block.collect_params().items():
        parameter.shape = params[key].shape
        parameter.initialize(mxnet.init.Zero())
        parameter.set_data(mxnet.nd.array(params[key]))
    block.hybridize(static_alloc=True, static_shape=True)
    given = mxnet.nd.array(image)
    contestants = [
        Contestant("refkernels", lambda: evaluator(image)),
        Contestant(
            "MXNet, hybridised",
            lambda: _waited(block(given)),
            lambda output: output.asnumpy(),
            TARGET,
        ),
    ]
    title = f"{name}, 1 x 3 x {SIZE} x {SIZE}, float32, {rounds} rounds"
    return compare(title, contestants, rounds, _differ)


def _blas() -> str:
    """Say which kernels OpenBLAS has chosen: the oldest, where it does not know the processor."""
    folder = Path(np.__file__).parents[1] / "numpy.libs"
    for path in folder.glob("*openblas*"):
        library = ctypes.CDLL(str(path))
        for name in ("openblas_get_corename64_", "scipy_openblas_get_corename64_"):
            if hasattr(library, name):
                function = getattr(library, name)
                function.restype = ctypes.c_char_p
                return f"OpenBLAS's kernels for {function().decode()}"
    return "not that of a NumPy wheel with OpenBLAS"


def _mxnet() -> Any:
    from refkernels.gluon.compat import import_mxnet

    return import_mxnet()


def _waited(output: Any) -> Any:
    output.wait_to_read()
    return output


def _differ(ours: Any, theirs: Any) -> str:
    return f"off by {np.abs(ours - theirs).max() / np.abs(theirs).max():.0e}"
