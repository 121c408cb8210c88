"""Calls of the evaluator of graphs (SPEC section 5), on chains of a few layers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.conformance.model.operator import Case
from refkernels.feature import GraphEvaluator
from tests.fuzz.dice import Dice
from tests.fuzz.draw import cast, real_dtype
from tests.fuzz.given import Given
from tests.fuzz.parameters import Parameter
from tests.fuzz.subject import Batch, Input, Subject

__all__ = ["SUBJECTS"]

LAYERS: Mapping[str, tuple[dict[str, str], dict[str, tuple[int, ...]]]] = {
    "Convolution": (
        {"kernel": "(3, 3)", "num_filter": "2", "pad": "(1, 1)"},
        {"weight": (2, 2, 3, 3), "bias": (2,)},
    ),
    "BatchNorm": (
        {"eps": "0.001", "fix_gamma": "False"},
        dict.fromkeys(("gamma", "beta", "moving_mean", "moving_var"), (2,)),
    ),
    "Pooling": ({"kernel": "(2, 2)", "pool_type": "max", "pad": "(1, 1)"}, {}),
    "Activation": ({"act_type": "softrelu"}, {}),
    "LeakyReLU": ({"act_type": "leaky", "slope": "0.25"}, {}),
    "exp": ({}, {}),
    "clip": ({"a_min": "-1", "a_max": "2"}, {}),
    "softmax": ({}, {}),
    "Flatten": ({}, {}),
    "Dropout": ({"p": "0.5"}, {}),
}


def _chain(dice: Dice) -> Case:
    nodes: list[dict[str, Any]] = [{"op": "null", "name": "data", "inputs": []}]
    params = {}
    last, dtype = 0, dice.choose(("f2", "f4", "f8"))
    kinds = [dice.choose(list(LAYERS)) for _ in range(dice.whole(1, 3))]
    if "Flatten" in kinds:  # what follows knows no images
        kinds = [*kinds[: kinds.index("Flatten")], "Flatten"]
    for i, op in enumerate(kinds):
        attributes, shapes = LAYERS[op]
        inputs = [last]
        for name, shape in shapes.items():
            nodes.append({"op": "null", "name": f"layer{i}_{name}", "inputs": []})
            inputs.append(len(nodes) - 1)
            params[f"layer{i}_{name}"] = cast(np.abs(dice.rng.normal(0, 2, shape)), dtype)
        references = [[source, 0, 0] for source in inputs]
        nodes.append({"op": op, "name": f"layer{i}", "inputs": references, "attrs": attributes})
        last = len(nodes) - 1
    symbol = json.dumps({"nodes": nodes, "heads": [[last, 0, 0]]})
    x = dice.rng.normal(0, dice.choose((1.0, 10.0, 1e-3)), (dice.count(), 2, *_sides(dice)))
    if len(x) and dice.chance(0.2):
        x[dice.whole(0, len(x) - 1)] *= dice.choose((1e30, 1e300, 1e-40))
    return Case({"symbol": symbol, "params": params}, {"data": cast(x, real_dtype(dice))})


def _sides(dice: Dice) -> tuple[int, int]:
    return dice.whole(1, 4), dice.whole(1, 4)


def _batch(case: Case) -> Batch | None:
    return Batch(len(case.inputs["data"]), {"data": (0, False)}, alone=False)


def _wrong(*texts: str) -> Parameter:
    return Parameter(lambda dice, value: Given(value), lambda dice: dice.choose(texts))


SYMBOL = _wrong(
    "'{}'",
    "'{'",
    "'[]'",
    "None",
    "1.5",
    "b'{}'",
    "object()",
    "'{\"nodes\": []}'",
    '\'{"nodes": [1], "heads": [[0, 0]]}\'',
    '\'{"nodes": [{"op": "null", "name": "data"}], "heads": [[1, 0]]}\'',
    '\'{"nodes": [{"op": "null", "name": "data"}], "heads": [[-1, 0]]}\'',
    '\'{"nodes": [{"op": "null", "name": "data"}], "heads": [["0", 0]]}\'',
    '\'{"nodes": [{"op": "null", "name": "data"}], "heads": [[0, 0]], "x": NaN\'',
    '\'{"nodes": [{"op": "exp", "name": "data", "inputs": [[0, 0, 0]]}], "heads": [[0, 0]]}\'',
    "'{\"nodes\": ' + '[' * 100000",
)
PARAMS = _wrong("None", "[]", "1", "{'a': 1}", "{'a': None}", "object()", "set()", "{'a': [1.0]}")


@dataclass(frozen=True)
class Evaluator(Subject):
    """The evaluator: it has no twin in the conformance engine."""

    def build(self, config: Mapping[str, Any]) -> Callable[..., Any]:
        """Read the graph and its parameters."""
        return GraphEvaluator(config["symbol"], config["params"])


SUBJECTS = (
    Evaluator(
        "GraphEvaluator",
        _chain,
        {"symbol": SYMBOL, "params": PARAMS},
        {"data": Input()},
        lambda case: (),
        _batch,
        comparable=lambda case: False,
        letters=lambda case: {"data": "BCHW"},
        blames=r"(node|input|params\[)",
        written="from refkernels.feature import GraphEvaluator\n"
        "print(GraphEvaluator({config})({arguments}))",
    ),
)
