"""Calls of the predictors (SPEC section 5)."""

from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case
from tests.fuzz.dice import Dice
from tests.fuzz.draw import cast, common, is_within, largest, real_dtype
from tests.fuzz.parameters import Parameter, choice, flag, integer, optional, pair
from tests.fuzz.subject import Batch, Form, Input, Subject

__all__ = ["SUBJECTS"]

ACTIVATIONS = (None, None, "relu", "sigmoid", "tanh", "softrelu", "softsign")


def _numbers(dice: Dice, shape: tuple[int, ...]) -> Array:
    drawn = dice.rng.normal(0, dice.choose((1.0, 1.0, 100.0, 1e-3)), shape)
    if dice.chance(0.3):
        drawn = np.round(drawn)
    if drawn.size and drawn.ndim > 2 and dice.chance(0.15):
        drawn[dice.whole(0, len(drawn) - 1)] *= dice.choose((1e30, 1e300, 1e-40, 1e-310))
    return drawn


def _inputs(dice: Dice, config: dict[str, Any], **shapes: tuple[int, ...]) -> Case:
    if not config.get("use_bias", True):
        del shapes["bias"]
    dtype = real_dtype(dice)
    inputs = {}
    for name, shape in shapes.items():
        own = real_dtype(dice) if dice.chance(0.1) else dtype
        inputs[name] = cast(_numbers(dice, shape), own)
    return Case(config, inputs)


def _convolution(dice: Dice) -> Case:
    filters, channels = dice.whole(1, 3), dice.whole(1, 3)
    if dice.chance(0.02):
        channels = 0
    config: dict[str, Any] = {"num_channel": filters}
    kernel, pad = (3, 3), (1, 1)
    if dice.chance(0.7):
        config["kernel"] = kernel = dice.choose(((1, 1), (3, 3), (2, 1), (1, 3), (2, 2)))
    if dice.chance(0.6):
        config["pad"] = pad = dice.choose(((0, 0), (1, 1), (0, 2), (2, 1), (3, 3)))
    if dice.chance(0.5):
        config["stride"] = dice.choose(((1, 1), (2, 2), (1, 3), (3, 2), (100, 100)))
        if dice.chance(0.1):
            config["stride"] = (2**31 - 1, 1)
    _common(dice, config)
    if dice.chance(0.3):
        config["in_channels"] = dice.choose((0, channels))
    height, width = (max(k - 2 * p, 0) + dice.whole(0, 4) for k, p in zip(kernel, pad, strict=True))
    images = dice.images()
    x = (*(() if images is None else (images,)), channels, height, width)
    return _inputs(dice, config, x=x, weight=(filters, channels, *kernel), bias=(filters,))


def _fully_connected(dice: Dice) -> Case:
    outputs = dice.whole(1, 4)
    config: dict[str, Any] = {"num_output": outputs}
    _common(dice, config)
    x = dice.choose(((2,), (0,), (1, 1), (2, 3), (3, 2, 2), (2, 0), (1, 40), (0, 3), (3, 0, 2)))
    width = int(np.prod(x[1:]))
    return _inputs(dice, config, x=x, weight=(outputs, width), bias=(outputs,))


def _common(dice: Dice, config: dict[str, Any]) -> None:
    if dice.chance(0.5):
        config["activation"] = dice.choose(ACTIVATIONS)
    if dice.chance(0.5):
        config["use_bias"] = dice.chance(0.5)


def _form_of_convolution(case: Case) -> Form:
    x, config = case.inputs["x"], case.config
    kernel, pad = config.get("kernel", (3, 3)), config.get("pad", (1, 1))
    stride = config.get("stride", (1, 1))
    sides = tuple((x.shape[k - 2] + 2 * pad[k] - kernel[k]) // stride[k] + 1 for k in range(2))
    shape = (*x.shape[:-3], config["num_channel"], *sides)
    return ((common(*case.inputs.values()), shape),)


def _form_of_product(case: Case) -> Form:
    shape = (len(case.inputs["x"]), case.config["num_output"])
    return ((common(*case.inputs.values()), shape),)


def _batch_of_images(case: Case) -> Batch | None:
    x = case.inputs["x"]
    return Batch(len(x), {"x": (0, False)}) if x.ndim == 4 else None


def _batch_of_rows(case: Case) -> Batch | None:
    return Batch(len(case.inputs["x"]), {"x": (0, False)}, alone=False)


def _is_product(case: Case) -> bool:
    """Whether sums do not overflow, and exponentials of them are numbers to write down."""
    x, weight = case.inputs["x"], case.inputs["weight"]
    most = largest(x) * largest(weight) * weight.size + largest(*case.inputs.values())
    if case.config.get("activation") in ("sigmoid", "tanh", "softrelu") and most > 1e4:
        return False
    return is_within(case, "product") and all(array.size for array in case.inputs.values())


def _letters(case: Case) -> dict[str, str]:
    four = {"x": "BCHW"[-case.inputs["x"].ndim :], "weight": "FC##", "bias": "F"}
    two = {"x": "B" + "K" * (case.inputs["x"].ndim == 2), "weight": "FK", "bias": "F"}
    letters = four if case.inputs["weight"].ndim == 4 else two
    return {name: letters[name] for name in case.inputs}


SHARED: dict[str, Parameter] = {"activation": optional(choice()), "use_bias": flag()}

SUBJECTS = (
    Subject(
        "ConvPredictor",
        _convolution,
        {
            "num_channel": integer(1),
            "kernel": pair(1),
            "pad": pair(0),
            "stride": pair(1),
            **SHARED,
            "in_channels": integer(0),
        },
        {"x": Input(ranks=(3, 4)), "weight": Input(ranks=(4,)), "bias": Input(ranks=(1,))},
        _form_of_convolution,
        _batch_of_images,
        _is_product,
        letters=_letters,
    ),
    Subject(
        "FCPredictor",
        _fully_connected,
        {"num_output": integer(1), **SHARED},
        {"x": Input(), "weight": Input(ranks=(2,)), "bias": Input(ranks=(1,))},
        _form_of_product,
        _batch_of_rows,
        _is_product,
        letters=_letters,
    ),
)
