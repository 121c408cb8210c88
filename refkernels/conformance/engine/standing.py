"""Find out where code stands that lacks a parameter: at the default, or at another reading."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

from refkernels.conformance.engine.examine import Examiner
from refkernels.conformance.engine.offered import ordinary
from refkernels.conformance.model.operator import Case
from refkernels.conformance.model.parameters import Parameters
from refkernels.conformance.model.readings import readings

__all__ = ["find_standing"]

# So many inputs tell one reading from another, of those that are drawn for each.
TOLD_BY = 25

# What is added to an area shows where areas are as small: in so many inputs, made so much smaller.
SMALL = {"BBoxBatchIOU": (3, 2.0**-25)}


def find_standing(examiner: Examiner, dtype: str) -> Parameters:
    """Return the parameters of a target, those that it lacks pinned where it was found to stand.

    It stands where it differs on the fewest of some ordinary cases; at the defaults, if another
    reading does no better.
    """
    parameters = examiner.parameters
    if parameters.fixed is not None or examiner.operator.calling != "arrays":
        return parameters
    choices = list(readings(examiner.operator.name, parameters.offered))
    if len(choices) == 1:
        return parameters
    every = [_standing_at(parameters, own) for own in choices]
    cases = [case for own in every for case in islice(_drawn(examiner, own), TOLD_BY)]
    count, factor = SMALL.get(examiner.operator.name, (0, 1.0))
    cases += [
        replace(case, inputs={name: array * factor for name, array in case.inputs.items()})
        for case in cases[:count]
    ]

    def differs(own: Parameters, limit: int) -> int:
        """Count the cases on which the target differs from a reading, up to a limit."""
        asked = Examiner(
            examiner.operator,
            examiner.target,
            examiner.contexts[:1],
            examiner.divergences,
            examiner.watch,
            own,
            examiner.offers,
        )
        modes, found = examiner.plain_modes[:1], 0
        for case in cases:
            case = replace(case, config={**case.config, **own.pinned})
            found += asked.examine(case, "where it stands", [dtype], modes) is not None
            if found == limit:
                break
        return found

    best, fewest = parameters, len(cases) + 1
    for own in every:
        found = differs(own, fewest)
        if found < fewest:
            best, fewest = own, found
        if not found:
            break
    return best


def _standing_at(parameters: Parameters, pinned: dict[str, Any]) -> Parameters:
    """Return parameters of which some are pinned, which count as those that the target has."""
    if not pinned:
        return parameters
    return replace(
        parameters,
        offered=lambda name: name in pinned or parameters.offered(name),
        pinned={**parameters.pinned, **pinned},
    )


def _drawn(examiner: Examiner, parameters: Parameters) -> list[Case]:
    """Return ordinary cases with parameters, without those of other readings."""
    asked = replace(examiner, parameters=parameters)
    names = [
        name
        for own in readings(examiner.operator.name, examiner.parameters.offered)
        for name in own
    ]
    return [
        Case({k: value for k, value in case.config.items() if k not in names}, case.inputs)
        for case in ordinary(asked)
    ]
