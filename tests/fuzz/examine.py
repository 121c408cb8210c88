"""What is held of a call.

- The only errors are `ValueError` and `TypeError`, of a message that names an argument; there are
  no warnings, and inputs stay as they are.
- What is valid is accepted, what is wrong is refused.
- Outputs have the shapes and dtypes of SPEC section 0, and the values of the definition: decisions
  are equal, reals within their bounds.
- A call that is made again has the same bits, and so has one with arrays in any layout and numbers
  of any kind; an image alone has those that it has in a batch, whatever its neighbours are.
- Outputs share no memory with inputs, and can be written.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case, as_outputs
from tests.fuzz.given import ACCEPTED, REFUSED, Call, Given, given, quiet

__all__ = [
    "Examined",
    "Failed",
    "Finding",
    "difference",
    "examine",
    "fault_of",
    "outline",
    "say",
]

# The definition is asked about inputs and outputs of up to so many elements.
INPUT_LIMIT, OUTPUT_LIMIT = 500, 400


@dataclass(frozen=True)
class Finding:
    """Something that does not hold.

    Attributes
    ----------
    kind : str
        What does not hold; findings of one kind of an operator are told together.
    what : str
        How it shows in this call.
    """

    kind: str
    what: str


@dataclass
class Examined:
    """What became of a call."""

    accepted: bool = False
    compared: bool = False
    finding: Finding | None = None


class Failed(Exception):
    """Carries what is wrong out of an examination."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(kind, what)
        self.finding = Finding(kind, what)


def examine(call: Call) -> Examined:
    """Make a call, and say what is wrong with what becomes of it."""
    examined = Examined()
    try:
        _examine(call, examined)
    except Failed as failed:
        examined.finding = failed.finding
    return examined


def _examine(call: Call, examined: Examined) -> None:
    subject = call.subject
    with quiet():
        config = {name: value.value() for name, value in call.config.items()}
        inputs = {name: value.value() for name, value in call.inputs.items()}
        keywords = {name: value.value() for name, value in call.keywords.items()}
        before = {k: _bits(v) for k, v in inputs.items() if isinstance(v, np.ndarray)}
    try:
        operator = subject.build(config)
        outputs = as_outputs(operator(*inputs.values(), **keywords))
    except Exception as error:
        names = call.blamed or (*subject.inputs, *subject.parameters)
        fault = fault_of(error, names, subject.blames)
        if fault is not None:
            raise Failed(*fault) from None
        if call.expect == ACCEPTED:
            raise Failed(f"refuses what is valid: {outline(str(error))}", str(error)) from None
        if call.says not in str(error):
            what = f"{error}\nwhere this was expected: {call.says}"
            raise Failed("an error that names another place", what) from None
        return
    examined.accepted = True
    if call.expect == REFUSED:
        raise Failed(f"accepts {call.wrong}", f"{say(outputs)}, where an error was expected")
    changed = [k for k, v in before.items() if _bits(inputs[k]) != v]
    if changed:
        raise Failed(f"changes its input {changed[0]}", f"{changed[0]} is not as it was")
    for array in inputs.values():
        if isinstance(array, np.ndarray) and any(np.may_share_memory(array, o) for o in outputs):
            raise Failed("hands out its input's memory", "an output shares memory with an input")
    if not all(output.flags.writeable for output in outputs):
        raise Failed("returns what cannot be written", "an output is read-only")
    if call.expect == ACCEPTED:
        _hold(call, operator, outputs, examined)
        return
    with quiet():
        keywords = {name: value.value() for name, value in call.keywords.items()}
        inputs = {name: value.value() for name, value in call.inputs.items()}
    again = as_outputs(operator(*inputs.values(), **keywords))
    if difference(outputs, again):
        raise Failed("a second call differs", difference(outputs, again))


def _hold(call: Call, operator: Any, outputs: tuple[Array, ...], examined: Examined) -> None:
    """Hold the outputs of a valid call to all there is."""
    subject, case = call.subject, call.case
    form = subject.form(case)
    if form:
        if len(form) != len(outputs):
            raise Failed("wrong outputs", f"{len(outputs)} outputs, expected {len(form)}")
        for i, ((dtype, shape), output) in enumerate(zip(form, outputs, strict=True)):
            if (output.dtype, output.shape) != (dtype, shape):
                what = f"output {i} is {output.dtype} {output.shape}, expected {dtype} {shape}"
                raise Failed("wrong form", what)
    if _is_small(case.inputs.values(), INPUT_LIMIT) and _is_small(outputs, OUTPUT_LIMIT):
        with quiet():
            examined.compared = subject.comparable(case)
            wrong = examined.compared and subject.dissent(subject.with_reals(case), outputs)
        if wrong:
            raise Failed(f"differs from the definition: {wrong.output}, {wrong.kind}", wrong.what)
    plain = not any(g.wraps or g.python for g in (*call.config.values(), *call.inputs.values()))
    config = given(case.config) if not plain else {}
    again = _again(call, case, operator if plain else None, config)
    if difference(outputs, again):
        kind = "a second call differs" if plain else "another layout or kind of number differs"
        raise Failed(kind, difference(outputs, again))
    _hold_images(call, outputs)


def _is_small(arrays: Iterable[Array], limit: int) -> bool:
    return sum(array.size for array in arrays) <= limit


def _again(call: Call, case: Case, operator: Any, config: Mapping[str, Given]) -> tuple[Array, ...]:
    """Make a call of plain arguments; every error is wrong."""
    with quiet():
        keywords = {name: value.value() for name, value in call.keywords.items()}
        parameters = {name: value.value() for name, value in config.items()}
    try:
        if operator is None:
            operator = call.subject.build(parameters)
        return as_outputs(operator(*case.inputs.values(), **keywords))
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise Failed(f"refuses a part or a plain form: {outline(what)}", what) from None


def _hold_images(call: Call, outputs: tuple[Array, ...]) -> None:
    """Hold one image of a batch to what it is alone, without a batch axis and in a batch of one."""
    batch = call.subject.batch(call.case)
    if batch is None or not batch.size:
        return
    image = call.image % batch.size
    own = tuple(output.take(image, batch.outputs) for output in outputs)
    parts: list[tuple[str, Any]] = [("in a batch of one", [image])]
    if call.subject.random:  # what is drawn depends on the place in the batch
        parts = [("in a smaller batch", list(range(image + 1)))]
    if batch.alone and (image == 0 or not call.subject.random):
        parts.append(("without a batch axis", image))
    for how, images in parts:
        part = batch.part(call.case, images)
        found = _again(call, part, None, given(part.config))
        if not isinstance(images, int):
            found = tuple(output.take(-1, batch.outputs) for output in found)
        if difference(own, found):
            what = f"image {image} of {batch.size}: {difference(own, found)} {how}"
            raise Failed(f"an image differs {how}", what)


def fault_of(error: Exception, names: Sequence[str], blames: str = "") -> tuple[str, str] | None:
    """Return the kind and the text of what is wrong with an error, or None.

    Its message must name one of `names` as an argument, or begin with `blames`.
    """
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, Warning):
        return f"warns: {outline(what)}", what
    if type(error) not in (ValueError, TypeError):
        return f"raises {outline(what)}", what
    named = rf"(?<!\w)({'|'.join(map(re.escape, names))})(\[|:| is | has | and | \()"
    if not re.search(named, str(error)) and not (blames and re.match(blames, str(error))):
        return f"an error that names no argument: {outline(what)}", what
    return None


def difference(one: tuple[Array, ...], other: tuple[Array, ...]) -> str:
    """Say where outputs differ in a bit; any nan equals any other."""
    if len(one) != len(other):
        return f"{len(one)} outputs and {len(other)}"
    for i, (a, b) in enumerate(zip(one, other, strict=True)):
        if (a.dtype, a.shape) != (b.dtype, b.shape):
            return f"output {i} is {a.dtype} {a.shape} and {b.dtype} {b.shape}"
        if a.tobytes() == b.tobytes():
            continue
        differs = a != b
        if a.dtype.kind == "f":
            differs = (differs | (np.signbit(a) != np.signbit(b))) & ~(np.isnan(a) & np.isnan(b))
        if differs.any():
            where = tuple(int(k) for k in np.argwhere(differs)[0])
            return f"output {i} at {list(where)} is {a[where].item()!r} and {b[where].item()!r}"
    return ""


def _bits(array: Array) -> bytes:
    return np.asarray(array).tobytes()  # of a masked array all of it


def say(outputs: tuple[Array, ...]) -> str:
    """Return outputs in one line."""
    shown = ", ".join(np.array2string(o, threshold=8, separator=",") for o in outputs[:3])
    return "returns " + re.sub(r"\s+", " ", shown)[:200]


def outline(text: str) -> str:
    """Return a message without what differs from call to call."""
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "(…)", text)
    return re.sub(r"-?\d[\w.+-]*", "#", text)[:120]
