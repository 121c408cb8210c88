"""Hold a target to the laws of its operator, in every mode and context there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refkernels.arrays import Array
from refkernels.conformance.engine.calling import prepare
from refkernels.conformance.engine.failing import Failed, failure
from refkernels.conformance.model.dissent import Dissent
from refkernels.conformance.model.operator import Case, Law, Recipe
from refkernels.conformance.model.parameters import Untried

if TYPE_CHECKING:
    from refkernels.conformance.engine.examine import Examiner

__all__ = ["first_broken"]

# A law has a dtype only so that it has a place among the results.
LAW_DTYPE = "float32"


class _Covered(Exception):
    """A law runs a case in which the target is known to differ."""


def first_broken(examiner: Examiner, name: str = "") -> Dissent | None:
    """Return the first law that the target breaks, or None.

    Where it does, the kernel is asked whether it breaks it too. With a name, that law alone is
    tried. Those that cannot be tried are noted in the examiner.
    """
    for law in examiner.operator.laws:
        if name not in ("", law.name):
            continue
        try:
            broken = _broken(examiner, law)
        except Untried as reason:
            examiner.untried[f"the law that {law.name}"] = str(reason)
            continue
        if broken is not None:
            return broken
    return None


def _broken(examiner: Examiner, law: Law) -> Dissent | None:
    operator, target = examiner.operator, examiner.target
    if operator.given is not None:
        raise Untried("it is about all outputs")
    if law.of_batches:
        need = operator.needs[0]
        if not target.adapter(need).draws_by_image(target.find(need)):
            raise Untried("it is not offered: its lots come from a generator of all images")
    for context in examiner.contexts:
        for mode in examiner.plain_modes:
            kind = "breaks a law"
            try:
                what = law.check(_Run(examiner, mode, context), examiner.parameters)
            except _Covered:
                continue
            except Failed as failed:
                kind, what = failed.kind, failed.what
            except (KeyboardInterrupt, Untried):
                raise
            except BaseException as error:  # of what a law makes of the outputs
                kind, what = failure(error, Case({}, {}))
            if what is None:
                continue
            own = law.check(operator.run_kernel, examiner.parameters)
            if own is not None:
                return _dissent(examiner, law, "kernel", "breaks a law", own, "call", "cpu")
            return _dissent(examiner, law, "target", kind, what, mode, context)
    return None


class _Run:
    """Runs the target on a case of a law."""

    def __init__(self, examiner: Examiner, mode: str, context: str) -> None:
        self._examiner, self._mode, self._context = examiner, mode, context

    def __call__(self, case: Case, seed: int | None = None, **keywords: int) -> tuple[Array, ...]:
        examiner, mode, context = self._examiner, self._mode, self._context
        covering = [d for d in examiner.divergences if d.when(case)]
        if any(not d.modes or mode in d.modes for d in covering):
            examiner.known.update(d.id for d in covering)
            raise _Covered
        if not examiner.offers.covers(case):
            raise Untried("it is outside of what is offered")
        with examiner.watched(case, case, LAW_DTYPE, mode, context, "a law"):
            call = prepare(examiner.operator, examiner.target, case, mode, context)
            keywords |= {} if seed is None else {"seed": seed}
            return call(*(x.copy() for x in case.inputs.values()), **keywords)


def _dissent(
    examiner: Examiner, law: Law, who: str, kind: str, what: str, mode: str, context: str
) -> Dissent:
    imports, expression = examiner.target.paste()
    fixed = examiner.parameters.fixed
    own = "" if fixed is None else f", parameters=Parameters({_written(dict(fixed))})"
    operator = examiner.operator.name
    lines = [
        "from refkernels.conformance.cases import find",
        "from refkernels.conformance.engine.examine import Examiner",
        "from refkernels.conformance.model.parameters import Parameters" if own else "",
        "from refkernels.conformance.model.case import Recipe" if "Recipe(" in own else "",
        imports,
        f"operator, target = find({operator!r}), {expression}",
        f"print(Examiner(operator, target{own}).examine_laws({law.name!r}))",
    ]
    paste = "\n".join(filter(None, lines))
    what = f"breaks the law that {law.name}: {what}"
    return Dissent(who, kind, what, LAW_DTYPE, mode, context, paste, "a law", law.name)


def _written(value: Any) -> str:
    """Write a parameter as Python, operators in it as recipes."""
    if isinstance(value, Recipe):
        return f"Recipe({value.name!r}, {_written(dict(value.config))})"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_written(v)}" for k, v in value.items()) + "}"
    return repr(value)
