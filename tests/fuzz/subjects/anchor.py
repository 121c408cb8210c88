"""Calls of the layout of anchors (SPEC section 6)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from refkernels.conformance.model.operator import Case
from tests.fuzz.calls import misfit
from tests.fuzz.dice import Dice
from tests.fuzz.disguises import disguised_number
from tests.fuzz.given import Call, Given
from tests.fuzz.parameters import Parameter, choice, flag, real
from tests.fuzz.spoils import NOT_NUMBERS
from tests.fuzz.subject import Form, Input, Subject

__all__ = ["SUBJECTS"]

DTYPES = ("float32", "float64", "float16")

# The usual numbers, and those at the ends of float32.
SIZES = (8.0, 16.0, 32.0, 33.0, 7.0, 1.0, 512.0, 0.1, 100 / 3)
RATIOS = (1.0, 0.5, 2.0, 4.0, 0.25, 9.0, 1 / 3, 3.0)
STRIDES = (8.0, 16.0, 4.0, 1.0, 7.5, 0.1, 100.0)
EXTREME = (1e18, 1e30, 1e-30, 1e-38, 1e-44, 1e37)


def _grid(dice: Dice) -> Case:
    def some(options: Sequence[float]) -> tuple[float, ...]:
        numbers = [dice.choose(options) for _ in range(dice.choose((1, 1, 2, 3)))]
        if dice.chance(0.1):
            numbers[0] = dice.choose(EXTREME)
        return tuple(numbers)

    config: dict[str, Any] = {"sizes": some(SIZES), "ratios": some(RATIOS)}
    config["stride"] = dice.choose((dice.choose(STRIDES), (*some(STRIDES), *some(STRIDES))[:2]))
    if dice.chance(0.5):
        config["offset"] = dice.choose((0.0, 0.5, 0.25, -1.0, 0.1, 1e-44, 1e20, -0.0))
    if dice.chance(0.5):
        config["rounded"] = dice.chance(0.6)
    if dice.chance(0.5):
        config["order"] = dice.choose(("ratio", "size"))
    if dice.chance(0.6):
        config["dtype"] = dice.choose(DTYPES)
    height, width = (dice.count(most=70) for _ in range(2))
    if dice.chance(0.03):  # one axis is as long as it may be, and the other has nothing
        height, width = dice.choose(((2**31 - 1, 0), (0, 2**31 - 1), (0, 0)))
    elif _reach(config, height, width) > _most(config.get("dtype", "f4")):
        config["dtype"] = "float64"
    return _case(config, height, width)


def _case(config: dict[str, Any], height: int, width: int) -> Case:
    return Case(config, {"height": np.array(height), "width": np.array(width)})


def _most(dtype: str) -> float:
    return float(np.finfo(dtype).max) / 4


def _reach(config: Mapping[str, Any], height: int, width: int) -> float:
    """Return what no coordinate is beyond."""
    size, ratios = max(config["sizes"]), config["ratios"]
    half = size * max(max(ratios), 1 / min(ratios)) ** 0.5
    cells = max(height, width) + abs(config.get("offset", 0.5)) + 1
    return float(cells * np.max(config["stride"]) + half + 1)


def _form(case: Case) -> Form:
    cells = int(case.inputs["height"]) * int(case.inputs["width"])
    count = cells * len(case.config["sizes"]) * len(case.config["ratios"])
    return ((np.dtype(case.config.get("dtype", "float32")), (count, 4)),)


def _is_countable(case: Case) -> bool:
    """Whether the definition can be asked, and sides are such that the bound holds.

    The definition goes along rows that have no columns too. The bound is none of sides whose halves
    are subnormal, or so large that rounding to whole numbers does nothing.
    """
    config = case.config
    most = 2.0**40 if config.get("rounded", False) else np.inf
    far = max(max(config["ratios"]), 1 / min(config["ratios"])) ** 0.5
    steps = (*np.broadcast_to(config["stride"], 2), min(config["sizes"]) / far)
    usual = min(steps) > 1e-35 and _reach(config, 0, 0) < most
    return usual and max(map(int, case.inputs.values())) < 1e4


def _beyond(dice: Dice, call: Call) -> Call | None:
    """Ask for more than a dtype has numbers for, or more anchors than there may be."""
    if dice.chance(0.3):
        many = {"height": Given(python="2**31 - 1"), "width": Given(python="np.int32(2**20)")}
        wrong = misfit(call, "too many anchors", ("height", "width"))
        return Call(**{**vars(wrong), "inputs": many})
    name, value = dice.choose(
        (
            ("sizes", (1.0, 1e39)),
            ("sizes", (1e-50,)),
            ("ratios", (1e-46, 1.0)),
            ("ratios", (1e300,)),
            ("stride", 1e39),
            ("stride", (1.0, 1e-60)),
            ("offset", -1e40),
        )
    )
    return misfit(call, f"{name} beyond float32", (name,), **{name: value}, dtype="float32")


def _numbers(low: str) -> Parameter:
    """Return numbers over 0, one at least."""

    def disguise(dice: Dice, values: Any) -> Given:
        shown = [disguised_number(dice, value).text() for value in values]
        forms = ["[{}]", "({},)", "np.array([{}], object)"]
        return Given(python=dice.choose(forms).format(", ".join(shown)))

    def spoil(dice: Dice) -> str:
        if dice.chance(0.6):
            wrong = dice.choose((*NOT_NUMBERS, "0", "-0.0", "-1", "-5e-324", "Fraction(0)"))
            return dice.choose(("[{}]", "({}, 1.0)", "[2.0, {}]")).format(wrong)
        others = ("()", "[]", "None", "8.0", "'8'", "b'8'", "{8.0}", "{8.0: 1}", "np.array(8.0)")
        others += ("np.zeros(0)", "[[8.0]]", "np.ones((1, 1))", "np.ones(2, bool)", "object()")
        others += ("iter([8.0])", "np.ones(1, complex)", "np.ma.masked_array([8.0], [True])")
        return dice.choose((*others, low))

    return Parameter(disguise, spoil)


def _steps() -> Parameter:
    """Return a number over 0, or two."""

    def disguise(dice: Dice, value: Any) -> Given:
        if not isinstance(value, tuple):
            return disguised_number(dice, value)
        shown = [disguised_number(dice, step).text() for step in value]
        return Given(python=dice.choose(("[{}, {}]", "({}, {})")).format(*shown))

    def spoil(dice: Dice) -> str:
        wrong = dice.choose((*NOT_NUMBERS, "0", "-0.0", "-1", "-5e-324"))
        if dice.chance(0.4) and wrong != "[1]":
            return dice.choose(("({}, 1.0)", "[1.0, {}]")).format(wrong)
        others = ("(1.0,)", "(1.0, 1.0, 1.0)", "()", "[]", "{1.0, 2.0}", "'11'", "iter([1, 1])")
        return dice.choose((wrong, *others, "[[1.0, 1.0]]", "{1: 1, 2: 2}"))

    return Parameter(disguise, spoil)


def _kinds() -> Parameter:
    """Return a dtype of anchors."""

    def disguise(dice: Dice, value: Any) -> Given:
        forms = ("np.{}", "np.dtype('{}')", "np.dtype('{}').str", "np.dtype('{}').newbyteorder()")
        return Given(python=dice.choose(forms).format(value))

    wrong = ("None", "'int32'", "'abc'", "''", "int", "object", "complex", "bool", "5", "1.0")
    wrong += ("'f4,f4'", "np.longdouble", "'longdouble'", "np.float32(1)", "np.zeros(1, 'f4')")
    wrong += ("()", "[]", "{}", "b'f4'", "'U1'", "np.dtype('M8[s]')", "np.floating", "len")
    return Parameter(disguise, lambda dice: dice.choose(wrong))


SIDE = Input("count")

SUBJECTS = (
    Subject(
        "AnchorGrid",
        _grid,
        {
            "sizes": _numbers("[1, 0]"),
            "ratios": _numbers("[0.5, -1]"),
            "stride": _steps(),
            "offset": real(),
            "rounded": flag(),
            "order": choice(),
            "dtype": _kinds(),
        },
        {"height": SIDE, "width": SIDE},
        _form,
        comparable=_is_countable,
        spoil=_beyond,
    ),
)
