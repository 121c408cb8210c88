"""Draw a call: a valid case, disguised, and sometimes spoilt."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from refkernels.arrays import Array
from tests.fuzz.dice import Dice
from tests.fuzz.disguises import disguised_array, disguised_integer, disguised_whole
from tests.fuzz.given import REFUSED, Call, Given, given
from tests.fuzz.spoils import (
    NOT_COUNTS,
    NOT_SEEDS,
    Spoilt,
    beyond_int64,
    fractional,
    masked,
    no_array,
    not_finite,
    other_dtype,
    other_length,
    other_rank,
)

if TYPE_CHECKING:
    from tests.fuzz.subject import Input, Subject

__all__ = ["draw_call", "misfit", "spoilt_array"]

SEEDS = ("0", "5", "np.int64(7)", "2**64", "10**30", "np.random.default_rng(3)", "np.uint8(9)")
SEEDS += ("np.random.Generator(np.random.MT19937(1))",)

# Kinds of inputs that hold whole numbers, whatever their dtype.
WHOLE = ("whole", "labels", "mask")

# How those are given otherwise of which other dtypes are fine, and what is no array.
DISGUISES: dict[str, Callable[[Dice, Array], Given]] = {
    **dict.fromkeys(("whole", "samples", "mask"), disguised_whole),
    "count": lambda dice, array: disguised_integer(dice, int(array)),
}

# Of every hundred calls so many are disguised, and so many are spoilt.
DISGUISED, SPOILT = 0.6, 0.4


def draw_call(subject: "Subject", dice: Dice) -> Call:
    """Draw a call of an operator."""
    case = subject.draw(dice)
    keywords = {"rng": Given(python=dice.choose(SEEDS))} if subject.random else {}
    call = Call(subject, case, given(case.config), given(case.inputs), keywords)
    call = replace(call, image=dice.whole(0, 2**16))
    if dice.chance(DISGUISED):
        call = _disguised(dice, call)
    if dice.chance(SPOILT):
        call = _spoilt(dice, call) or call
    return call


def misfit(call: Call, wrong: str, blamed: tuple[str, ...], **parameters: Any) -> Call:
    """Return a call with parameters that do not go with the rest."""
    config = {**call.config, **given(parameters)}
    spoilt = (*parameters, *call.inputs)
    return replace(call, config=config, expect=REFUSED, wrong=wrong, blamed=blamed, spoilt=spoilt)


def _disguised(dice: Dice, call: Call) -> Call:
    config, inputs = dict(call.config), dict(call.inputs)
    for name, value in call.case.config.items():
        if dice.chance(0.35):
            config[name] = call.subject.parameters[name].disguise(dice, value)
    for name, array in call.case.inputs.items():
        if dice.chance(0.7):
            disguise = DISGUISES.get(call.subject.inputs[name].kind, disguised_array)
            inputs[name] = disguise(dice, array)
    return replace(call, config=config, inputs=inputs)


def _spoilt(dice: Dice, call: Call) -> Call | None:
    subject = call.subject
    places: list[Callable[[], Call | None]] = [lambda: subject.spoil(dice, call)]
    places += [lambda name=name: _spoilt_config(dice, call, name) for name in subject.parameters]
    for name in call.case.inputs:
        places += [lambda name=name: _spoilt_input(dice, call, name)] * 2
    if subject.random:
        places.append(lambda: _spoilt_seed(dice, call))
    return dice.choose(places)()


def _spoilt_config(dice: Dice, call: Call, name: str) -> Call:
    text = call.subject.parameters[name].spoil(dice)
    config = {**call.config, name: Given(python=text)}
    wrong = f"{name}={text}"
    return _refused(call, wrong, name, config=config)


def _spoilt_seed(dice: Dice, call: Call) -> Call:
    text = dice.choose(NOT_SEEDS)
    keywords = {"rng": Given(python=text)}
    wrong = f"rng={text}"
    return _refused(call, wrong, "rng", keywords=keywords)


def _spoilt_input(dice: Dice, call: Call, name: str) -> Call | None:
    own, spoilt = call.subject.inputs[name], _wrong_array(dice, call, name)
    if spoilt is None:
        return None
    # An array in place of others that do not fit it any more may be blamed on them, or on what
    # says how it is to be read.
    others = (*call.case.inputs, *call.subject.parameters) if spoilt.others else ()
    text = spoilt.given.python
    return replace(
        call,
        inputs={**call.inputs, name: spoilt.given},
        expect=spoilt.expect,
        wrong=f"{name}={text}" if text else f"{name} with {spoilt.wrong}",
        blamed=(name, *others),
        spoilt=(name,),
        says=f"{name}{spoilt.place}" if spoilt.place and own.looks_at_all else "",
    )


def _refused(call: Call, wrong: str, name: str, **changes: Any) -> Call:
    return replace(call, **changes, expect=REFUSED, wrong=wrong, blamed=(name,), spoilt=(name,))


def _wrong_array(dice: Dice, call: Call, name: str) -> Spoilt | None:
    array, own = call.case.inputs[name], call.subject.inputs[name]
    letters = call.subject.axes(call.case)

    def is_bound(axis: int, length: int) -> bool:
        letter = letters[name][axis] if axis < len(letters.get(name, "")) else "?"
        if letter in "#24":
            return True
        if not letter.isalpha() or (letter == "B" and length == 1):
            return False
        return sum(letter in other for other in letters.values()) > 1

    return spoilt_array(dice, array, own, own.minded(call.case, name), is_bound)


def spoilt_array(
    dice: Dice,
    array: Array,
    own: "Input",
    minded: Array | None = None,
    is_bound: Callable[[int, int], bool] = lambda axis, length: False,
) -> Spoilt | None:
    """Spoil an array; `is_bound` says which axes cannot have which length."""
    if own.kind == "shape":
        return other_rank(dice, array, range(2, 9))
    if own.kind == "count":
        return Spoilt(Given(python=dice.choose(NOT_COUNTS)), "no count")
    where = np.ones(array.shape, bool) if minded is None else minded
    finite = own.kind != "limits"
    kinds: list[Callable[[], Spoilt | None]] = [
        lambda: not_finite(dice, array, where, infinite=finite),
        lambda: not_finite(dice, array, where, infinite=finite),
        lambda: other_dtype(dice, array, long_is_fine=own.kind in WHOLE),
        lambda: other_rank(dice, array, own.ranks),
        lambda: other_length(dice, array, is_bound),
        lambda: no_array(dice, none_is_fine=own.optional),
        lambda: masked(dice, array),
    ]
    if own.kind in WHOLE:
        kinds += [lambda: fractional(dice, array, where), lambda: beyond_int64(dice, array, where)]
    if own.kind == "signs":
        kinds.append(lambda: _neither_sign(dice, array))
    if own.kind == "mask":
        kinds.append(lambda: _no_flag(dice, array))
    return dice.choose(kinds)()


def _neither_sign(dice: Dice, array: Array) -> Spoilt | None:
    if not array.size or array.dtype.kind == "b":
        return None
    base = array.copy()
    wrong = (2,) if array.dtype.kind in "iu" else (0.5, -0.5, 2.0, -3.0, 1.001, -0.99, 1e300, 1e-3)
    with np.errstate(over="ignore"):
        base.reshape(-1)[dice.whole(0, array.size - 1)] = np.clip(dice.choose(wrong), -6e4, 6e4)
    return Spoilt(Given(base), "a number that is neither 1, -1 nor 0")


def _no_flag(dice: Dice, array: Array) -> Spoilt | None:
    if not array.size:
        return None
    base = array.astype(dice.choose(("i1", "i8", "f2", "f4", "f8")))
    base.reshape(-1)[dice.whole(0, array.size - 1)] = dice.choose((2, -1, 100))
    return Spoilt(Given(base), "a number that is neither 0 nor 1")
