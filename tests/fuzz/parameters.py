"""Kinds of parameters: other forms of their values, and what is none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fuzz.dice import Dice
from tests.fuzz.disguises import disguised_integer, disguised_number
from tests.fuzz.given import Given
from tests.fuzz.spoils import NOT_FLAGS, NOT_INTEGERS, NOT_NUMBERS, NOT_TEXT

__all__ = [
    "Parameter",
    "choice",
    "flag",
    "integer",
    "matchers",
    "optional",
    "pair",
    "real",
    "reals",
]


@dataclass(frozen=True)
class Parameter:
    """How a parameter's value is given otherwise, and spoilt.

    `disguise` returns the same value in another form; `spoil` returns Python of a wrong one.
    """

    disguise: Callable[[Dice, Any], Given]
    spoil: Callable[[Dice], str]


def integer(low: int | None = None, high: int | None = None) -> Parameter:
    """Return a whole number in [low, high]."""
    wrong = [*NOT_INTEGERS]
    wrong += [] if low is None else [str(low - 1), "-10**400", "-(2**63)", f"np.int64({low - 1})"]
    wrong += [] if high is None else [str(high + 1), "10**400", "2**64"]
    return Parameter(disguised_integer, lambda dice: dice.choose(wrong))


def real(
    low: float | None = None, high: float | None = None, *, allow: tuple[str, ...] = ()
) -> Parameter:
    """Return a finite number in [low, high], or what `allow` names, as Python."""
    wrong = [text for text in NOT_NUMBERS if text not in allow]
    wrong += [] if low is None else [f"{low} - 1e-9", "-1e308", "-5e-324" if low == 0 else "-1e9"]
    wrong += [] if high is None else [f"{high} + 1e-9", "1e308", "10**30", "np.float16(6e4)"]
    if "-np.inf" in allow:
        wrong = [text for text in wrong if text not in ("-10**400", "-1e308", "-1e9")]
    return Parameter(disguised_number, lambda dice: dice.choose(wrong))


def flag() -> Parameter:
    """Return True or False."""
    return Parameter(
        lambda dice, value: Given(python=f"np.bool_({value})"), lambda dice: dice.choose(NOT_FLAGS)
    )


def choice() -> Parameter:
    """Return a name, in any case of its letters."""
    return Parameter(
        lambda dice, value: Given(python=repr(dice.choose((value.upper(), value.title())))),
        lambda dice: dice.choose(NOT_TEXT),
    )


def reals(*, divisors: bool) -> Parameter:
    """Return four numbers, if they are `divisors` none of them 0."""

    def disguise(dice: Dice, values: Any) -> Given:
        one = dice.whole(0, 3)
        shown = [
            disguised_number(dice, value).text() if i == one else repr(float(value))
            for i, value in enumerate(values)
        ]
        joined = ", ".join(shown)
        forms = ["[{}]", "({})", "np.array([{}], float)", "np.array([{}], object)"]
        return Given(python=dice.choose(forms).format(joined))

    def spoil(dice: Dice) -> str:
        numbers = ["1.0", "0.5", "2.0", "0.25"]
        if dice.chance(0.6):
            bad = [text for text in NOT_NUMBERS if text != "np.array(True)"]
            bad += ["0", "0.0", "-0.0", "Fraction(0)"] if divisors else []
            numbers[dice.whole(0, 3)] = dice.choose(bad)
            return f"({', '.join(numbers)})"
        return dice.choose(
            (
                "(1.0, 1.0, 1.0)",
                "(1.0, 1.0, 1.0, 1.0, 1.0)",
                "()",
                "1.0",
                "None",
                "'1111'",
                "b'1234'",
                "{0.5, 1.0, 2.0, 4.0}",
                "frozenset({0.5, 1.0, 2.0, 4.0})",
                "np.ones((4, 1))",
                "np.ones((1, 4))",
                "np.ones(4, bool)",
                "np.ones(4, complex)",
                "[[1.0], [1.0], [1.0], [1.0]]",
                "object()",
                "np.float64(1)",
                "np.array(1.0)",
                "bytearray(b'1234')",
            )
        )

    return Parameter(disguise, spoil)


def pair(low: int) -> Parameter:
    """Return two whole numbers of at least `low`, or one that stands for both."""

    def disguise(dice: Dice, value: Any) -> Given:
        values = value if isinstance(value, tuple) else (value, value)
        first, second = (disguised_integer(dice, item).text() for item in values)
        if values[0] == values[1] and dice.chance(0.3):
            return Given(python=first)
        return Given(python=dice.choose(("({}, {})", "[{}, {}]")).format(first, second))

    def spoil(dice: Dice) -> str:
        if dice.chance(0.5):
            numbers = ["1", "1"]
            numbers[dice.whole(0, 1)] = dice.choose((*NOT_INTEGERS, str(low - 1), "-10**400"))
            return f"({', '.join(numbers)})"
        others = (
            "(1,)",
            "(1, 1, 1)",
            "()",
            "{1, 2}",
            "'11'",
            "1.0",
            "None",
            "True",
            "iter([1, 1])",
        )
        return dice.choose(
            (*others, "object()", "{1: 1, 2: 2}", "np.nan", "[[1, 1]]", str(low - 1))
        )

    return Parameter(disguise, spoil)


def optional(parameter: Parameter) -> Parameter:
    """Return a parameter that may also be None."""

    def disguise(dice: Dice, value: Any) -> Given:
        return Given(value) if value is None else parameter.disguise(dice, value)

    def spoil(dice: Dice) -> str:
        while (text := parameter.spoil(dice)) == "None":
            pass
        return text

    return Parameter(disguise, spoil)


def matchers() -> Parameter:
    """Return matchers to ask in turn."""
    one = "refkernels.MaximumMatcher(0.5)"
    own = "[type('Own', (refkernels.matcher.base.Matcher,), {{'__call__': lambda self, x: {}}})()]"
    results = ("None", "'a'", "[[1], [1, 2]]", "np.zeros((7,) * 7)", "x * 1j", "object()")
    wrong = (
        *(own.format(result) for result in results),
        "[]",
        "()",
        "None",
        one,
        f"[{one}, None]",
        "[refkernels.MaximumMatcher]",
        "'MaximumMatcher'",
        "[0.5]",
        "[lambda x: x]",
        "[refkernels.NaiveSampler()]",
        "0",
        "[[]]",
        f"[[{one}]]",
        "object()",
        f"{{{one}: 1, 2: 3}}",
        f"iter([{one}])",
        "set()",
        "np.array([])",
        "np.nan",
    )

    def disguise(dice: Dice, value: Any) -> Given:
        text = Given(list(value)).text()
        return Given(python=dice.choose(("tuple({})", "np.array({}, object)")).format(text))

    return Parameter(disguise, lambda dice: dice.choose(wrong))
