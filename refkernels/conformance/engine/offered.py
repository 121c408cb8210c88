"""Find out what a target does not offer, by asking it for the simplest of each kind.

SPEC leaves some things to a target: it may take single images or batches alone, and a library may
have reasons to refuse a dtype. Such a refusal is no fault; it is listed, and everything else is
tried. What a target lacks is found on ordinary cases, so that a mistake on odd ones is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase

from refkernels.arrays import Array
from refkernels.conformance.cases.corners import fitted_to
from refkernels.conformance.engine.calling import prepare
from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.engine.failing import Failed
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.operator import Operator
from refkernels.conformance.model.plain import FIVE, ONE
from refkernels.conformance.targets.offering import Offers

__all__ = ["BATCHES", "find_lacking", "in_one_form", "ordinary"]

SINGLE, BATCHES = "single images", "batches"

# A form that drawn cases seldom have is looked for among so many.
DRAWN = 50

# A form or dtype is refused if so many ordinary cases of it are: one may be odd to the target.
ASKED = 3


def find_lacking(
    examiner: Examiner, dtypes: Sequence[str], others: Sequence[str] = ()
) -> tuple[Offers, dict[str, str]]:
    """Return the offers with the forms that there are, and what is not offered, and why.

    Batches stay in: their images can be given one by one.

    Where nothing at all can be run, everything counts as offered: then the failure is told. The
    other dtypes are asked for only if all the first are refused, to know whether that is all.
    """
    said: dict[tuple[str, str], str | None] = {}
    forms = _Forms(examiner)

    def ask(form: str, dtypes: Sequence[str]) -> None:
        """Note why cases of a form are refused in each of the dtypes, or that they are not."""
        for dtype in dtypes:
            for case in forms.cases(form):
                cast = case.astype(dtype)
                if not examiner.adapter.doing(cast, dtype):
                    said[form, dtype] = _refusal(examiner, cast, dtype)
                    if said[form, dtype] is None:
                        break

    for some in (dtypes, others):
        if all(said.values()):
            for form in (BATCHES, SINGLE):
                ask(form, some)
    if all(said.values()):
        return examiner.offers, {}
    lacking: dict[str, str] = {}
    for dtype in (*dtypes, *others):
        own = [reason for (_, at), reason in said.items() if at == dtype]
        if own and all(own):
            lacking[dtype] = str(own[0])
    for form in (BATCHES, SINGLE):
        own = [
            reason for (at, dtype), reason in said.items() if at == form and dtype not in lacking
        ]
        if own and all(own):
            lacking[form] = str(own[0])
    offers = examiner.offers
    if SINGLE in lacking:
        offers = _without(offers, examiner.operator, is_batch=False)
    return offers, lacking


def in_one_form(operator: Operator, offers: Offers) -> tuple[Offers, dict[str, str]]:
    """Return offers without single images if these are said not to be offered, and what is said."""
    if offers.batch is None:
        return offers, {}
    if not offers.batch:
        return offers, {BATCHES: "it is said not to be"}
    return _without(offers, operator, is_batch=False), {SINGLE: "it is said not to be"}


def _without(offers: Offers, operator: Operator, *, is_batch: bool) -> Offers:
    def covers(case: Case) -> bool:
        """Return whether a case is offered, and not of the form that is left out."""
        return offers.case(case) and _is_batch(operator, case) != is_batch

    return replace(offers, case=covers)


def _is_batch(operator: Operator, case: Case) -> bool:
    axes = operator.axes(case)
    return any(
        axes.get(name, "")[:1] in ("A", "B", "1") and array.ndim == len(axes[name])
        for name, array in case.inputs.items()
        if axes.get(name)
    )


class _Forms:
    """Ordinary cases of single images, and such of batches, looked for as they are asked for."""

    def __init__(self, examiner: Examiner) -> None:
        self._examiner = examiner
        self._stacked = list(_stacked(examiner))
        self._found: dict[str, list[Case]] = {BATCHES: [], SINGLE: []}
        self._further = ordinary(examiner)

    def cases(self, form: str) -> Iterator[Case]:
        """Yield some cases of a form, as far as there are any."""
        if form == BATCHES and self._stacked:
            yield from self._stacked
            return
        found = self._found[form]
        for turn in range(ASKED):
            while len(found) <= turn:
                case = next(self._further, None)
                if case is None:
                    return
                if self._examiner.offers.covers(case):
                    is_batch = _is_batch(self._examiner.operator, case)
                    self._found[BATCHES if is_batch else SINGLE].append(case)
            yield found[turn]


def _stacked(examiner: Examiner) -> Iterator[Case]:
    """Yield plain batches whose axes differ in length, so that no other shape is taken for right.

    The image has five anchors and two ground truths, and is there three times.
    """
    operator = examiner.operator
    for case in operator.annotated(FIVE):
        if not _is_batch(operator, case):
            images = {name: np.stack([array] * 3) for name, array in case.inputs.items()}
            fitted = fitted_to(operator, replace(case, inputs=images), examiner.parameters)
            if (
                fitted is not None
                and _is_valid(operator, fitted)
                and examiner.offers.covers(fitted)
            ):
                yield fitted


def ordinary(examiner: Examiner) -> Iterator[Case]:
    """Yield ordinary cases with the parameters that the target has, the plainest first."""
    operator = examiner.operator
    for image in (ONE, FIVE):
        for case in operator.annotated(image):
            fitted = fitted_to(operator, case, examiner.parameters)
            if fitted is not None and _is_valid(operator, fitted):
                yield fitted
    drawn: list[Case] = []

    @hypothesis.seed(0)
    @hypothesis.settings(
        max_examples=DRAWN,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(operator.cases(examiner.parameters))
    def draw(case: Case) -> None:
        """Keep a drawn case that is valid and has no empty inputs."""
        if all(array.size for array in case.inputs.values()) and _is_valid(operator, case):
            drawn.append(case)

    draw()
    yield from sorted(drawn, key=_simplicity)


def _simplicity(case: Case) -> tuple[int, int]:
    """Sort cases with the defaults of all parameters first, then by their size."""
    return len(case.config), sum(array.size for array in case.inputs.values())


def _is_valid(operator: Operator, case: Case) -> bool:
    try:
        operator.refer(case, ask_definition=False)
    except (TypeError, ValueError):
        return False
    return True


def _refusal(examiner: Examiner, case: Case, dtype: str) -> str | None:
    """Return what the target says if it refuses a case, or None if it does not.

    What is known to differ counts as taken: it is not to be found again. Code that does not know of
    batches may make something of one, but not of the right shape.
    """
    if any(divergence.when(case) for divergence in examiner.divergences):
        return None
    mode, context = examiner.plain_modes[0], examiner.contexts[0]
    try:
        with examiner.watched(case, case, dtype, mode, context, "what it offers"):
            call: Callable[..., tuple[Array, ...]] = prepare(
                examiner.operator, examiner.target, case, mode, context
            )
            outputs = call(*(array.copy() for array in case.inputs.values()))
    except Failed as failed:
        return failed.said if failed.is_refusal else None
    reference = examiner.operator.refer(case, ask_definition=False)
    wrong = examiner.operator.judge_form(case, reference, outputs)
    return wrong.what if wrong is not None and wrong.kind == "wrong shape" else None
