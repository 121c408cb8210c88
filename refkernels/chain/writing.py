"""The operators of a chain of target assignment, and how they are written as JSON.

A chain has five places, and each place its operators: IoUs, then a matcher, a sampler, and the
encoders of classes and of boxes. In JSON an operator is
``{"operator": "MaximumMatcher", "config": {"threshold": 0.5}}``, or only its name where it needs no
parameters.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from refkernels import bbox, coder, matcher, sampler
from refkernels.chain.roles import MATCHERS, ROLES

__all__ = ["decode_contract", "decode_operator", "encode_contract", "encode_operator"]

# Members of the JSON object that are no places.
OTHER_MEMBERS = ("format", "about")

FORMAT = 1


def encode_contract(operators: Mapping[str, Any]) -> dict[str, Any]:
    """Return operators by place as what `json.dumps` takes."""
    return {
        "format": FORMAT,
        **{role: encode_operator(operators[role]) for role in ROLES if role in operators},
    }


def decode_contract(data: Any) -> dict[str, Any]:
    """Return the operators by place that `encode_contract`, or anybody, wrote.

    Raises
    ------
    ValueError, TypeError
        One sentence that says which member is not what it has to be.
    """
    if not isinstance(data, dict):
        raise ValueError(f"config: expected an object of {', '.join(ROLES)}, got {_kind(data)}")
    if data.get("format", FORMAT) != FORMAT:
        raise ValueError(f"config: format is {data['format']!r}, expected {FORMAT}")
    operators = {}
    for role, value in data.items():
        if role in OTHER_MEMBERS:
            continue
        if role not in ROLES:
            raise ValueError(f"config: unknown member {role!r}, expected {', '.join(ROLES)}")
        operators[role] = decode_operator(f"config: {role}", value, ROLES[role])
    return operators


def encode_operator(operator: Any) -> dict[str, Any]:
    """Return an operator of refkernels as what `json.dumps` takes.

    Raises
    ------
    TypeError
        If it is none: a class of somebody's own cannot be built again from its name.
    """
    name = type(operator).__name__
    if not any(name in names for names in ROLES.values()) or type(operator) is not _class(name):
        raise TypeError(f"{operator!r} is not one of refkernels' operators of target assignment")
    config = {
        field.name: _encode(getattr(operator, field.name)) for field in dataclasses.fields(operator)
    }
    return {"operator": name, "config": config}


def decode_operator(place: str, value: Any, names: tuple[str, ...]) -> Any:
    """Build one of the operators called `names`; `place` is where its description stands."""
    if isinstance(value, str):
        value = {"operator": value}
    if not isinstance(value, dict) or not isinstance(value.get("operator"), str):
        raise ValueError(
            f'{place}: expected {{"operator": name, "config": {{...}}}}, got {_kind(value)}'
        )
    name, config = value["operator"], value.get("config", {})
    if name not in names:
        raise ValueError(f"{place}: unknown operator {name!r}, expected {' or '.join(names)}")
    if not isinstance(config, dict):
        raise ValueError(f"{place}: expected config to be an object, got {_kind(config)}")
    try:
        parameters = {key: _decode(f"{place}: {key}", item) for key, item in config.items()}
        return _class(name)(**parameters)
    except (ValueError, TypeError) as error:
        text = str(error)
        raise ValueError(text if text.startswith(place) else f"{place}: {name}: {text}") from None


def _class(name: str) -> Any:
    return next(
        getattr(family, name) for family in (bbox, matcher, sampler, coder) if hasattr(family, name)
    )


def _encode(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        return [_encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return encode_operator(value)


def _decode(place: str, value: Any) -> Any:
    match value:
        case {"float": str(text)} if len(value) == 1:
            return float(text)
        case {"tuple": list(items)} | {"list": list(items)} if len(value) == 1:
            return _decode(place, items)
        case {"numpy": str(), "value": number} if len(value) == 2:
            return _decode(place, number)
        case {"operator": _}:
            return decode_operator(place, value, MATCHERS)
        case dict():
            raise ValueError(f"{place}: unknown value {value!r}")
        case list():
            return tuple(_decode(f"{place}[{i}]", item) for i, item in enumerate(value))
    return value


def _kind(value: Any) -> str:
    return f"{type(value).__name__} {value!r:.60}"
