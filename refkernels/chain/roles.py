"""What stands at each place of a chain, what it is called with there, and what it gives.

The letters of axes: B images, N anchors, M objects, K scores of an anchor, L levels, P rows of an
encoder by class, C classes. Every array may come without the B.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["INPUTS", "MATCHERS", "OPTIONAL", "PLACES", "PLACE_OF", "ROLES", "Place", "place_of"]

# What a chain is given, and the axes.
INPUTS = {
    "anchors": "BN4",
    "boxes": "BM4",
    "labels": "BM",
    "logits": "BNK",
    # What some matchers look at beside IoUs, or in their place.
    "points": "N2",
    "levels": "L",
    "strides": "N",
    "ranges": "N2",
    "distances": "BNM",
    "inside": "BNM",
    "metric": "BNM",
    "cost": "BNM",
    "valid": "BN",
    "candidates": "BN",
}

# By name of an operator: for each argument, in order, the array of the chain that it is.
Arguments = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Place:
    """One place of a chain.

    Attributes
    ----------
    name : str
        What is there once its operator has run: the name of its first result.
    role : str
        What an operator is that stands here.
    operators : mapping
        The names of those that may, each with what it is called with: for each argument, in order,
        the chain's array.
    results : mapping of str to str
        The names and axes of what they give; the first is always there.
    others : mapping
        The results of those that give others, by their names.
    usual : str
        The operator like which a class of somebody's own is called that derives from none.
    """

    name: str
    role: str
    operators: Arguments
    results: Mapping[str, str]
    others: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    usual: str = ""

    def needs(self, operator: Any) -> tuple[str, ...]:
        """Return the arrays that an operator here is called with, in order, but for `OPTIONAL`.

        A class of somebody's own is called as that is which it derives from.

        Raises
        ------
        TypeError
            If it derives from none that may stand here, and these are not all called alike.
        """
        ways = {tuple(arguments.values()) for arguments in self.operators.values()}
        name = _known_name(operator, self.operators) or self.usual
        if name:
            return tuple(own for own in self.operators[name].values() if own not in OPTIONAL)
        if len(ways) == 1:
            return ways.pop()
        raise TypeError(f"{self.role}: expected {' or '.join(self.operators)}, got {operator!r}")

    def gives(self, operator: str) -> Mapping[str, str]:
        """Return the names and axes of what the operator of this name gives."""
        return self.others.get(operator, self.results)

    def gives_of(self, operator: Any) -> Mapping[str, str]:
        """Return the names and axes of what an operator gives, by its class or a base's."""
        return self.gives(_known_name(operator, self.operators))


# Those of one matrix of IoUs, which may stand in a composite one.
MATCHERS = ("BipartiteMatcher", "MaximumMatcher", "CompositeMatcher", "ThresholdMatcher")

# What an operator may be called without; it comes last.
OPTIONAL = ("valid",)


def _same(*names: str) -> Mapping[str, str]:
    return {name: name for name in names}


_SAMPLED = {"samples": "samples", "matches": "matches"}
_OF_BOXES = {**_SAMPLED, "anchors": "anchors", "refs": "boxes"}

PLACES = (
    Place(
        "ious",
        "iou",
        {"BBoxBatchIOU": {"a": "anchors", "b": "boxes"}},
        {"ious": "BNM"},
    ),
    Place(
        "matches",
        "matcher",
        {
            **{name: {"x": "ious"} for name in MATCHERS},
            "ATSSMatcher": _same("ious", "distances", "inside", "levels"),
            "PointMatcher": _same("points", "boxes", "strides", "ranges"),
            "SimOTAMatcher": _same("cost", "ious", "valid"),
            "TaskAlignedMatcher": _same("metric", "ious", "inside"),
            "HungarianMatcher": _same("cost"),
        },
        {"matches": "BN"},
        usual="MaximumMatcher",
    ),
    Place(
        "samples",
        "sampler",
        {
            "NaiveSampler": {"matches": "matches"},
            "BalancedSampler": {"candidates": "candidates"},
            "OHEMSampler": {"matches": "matches", "logits": "logits", "ious": "ious"},
            "QuotaSampler": {"matches": "matches", "ious": "ious"},
        },
        {"samples": "BN"},
    ),
    Place(
        "cls_targets",
        "class_encoder",
        {
            "MultiClassEncoder": {**_SAMPLED, "refs": "labels"},
            "SigmoidClassEncoder": {"samples": "samples"},
        },
        {"cls_targets": "BN", "cls_masks": "BN"},
        {"MultiClassEncoder": {"cls_targets": "BN"}},
    ),
    Place(
        "box_targets",
        "box_encoder",
        {
            "NormalizedBoxCenterEncoder": _OF_BOXES,
            "NumPyNormalizedBoxCenterEncoder": _OF_BOXES,
            "NormalizedPerClassBoxCenterEncoder": {
                **_SAMPLED, "anchors": "anchors", "labels": "labels", "refs": "boxes",
            },
        },
        {"box_targets": "BN4", "box_masks": "BN4"},
        {
            "NormalizedPerClassBoxCenterEncoder": {
                "box_targets": "BPC4", "box_masks": "BPC4", "indices": "BP",
            }
        },
    ),
)  # fmt: skip

# What may stand at each place, by role, in the order in which they run.
ROLES = {place.role: tuple(place.operators) for place in PLACES}
PLACE_OF = {name: place for place in PLACES for name in place.operators}


def place_of(operator: Any) -> Place:
    """Return the place of an operator, by the name of its class or a base's.

    Raises
    ------
    TypeError
        If it has none.
    """
    name = _known_name(operator, PLACE_OF)
    if name:
        return PLACE_OF[name]
    raise TypeError(f"{operator!r} has no place in a chain; those with one: {', '.join(PLACE_OF)}")


def _known_name(operator: Any, names: Collection[str]) -> str:
    """Return the name of an operator's class, or of a base's, that is among these, or ''."""
    bases = type(operator).__mro__
    return next((base.__name__ for base in bases if base.__name__ in names), "")
