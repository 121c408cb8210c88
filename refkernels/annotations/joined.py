"""Several files or folders as one set: ids that differ, and labels that are the same in all."""

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from refkernels.annotations.classes import Categories, natural_order
from refkernels.annotations.images import AnnotationSet, ImageAnnotations, cut_images
from refkernels.annotations.rules import Rules
from refkernels.annotations.source import Source

__all__ = ["joined"]


def joined(sources: Sequence[Source], rules: Rules, lost: Sequence[str] = ()) -> AnnotationSet:
    """Return what was read of some files or folders as one set.

    Parameters
    ----------
    sources : sequence of Source
        One or more.
    rules : Rules
        Those that they were read by.
    lost : sequence of str
        The problems of files that could not be read at all.

    Returns
    -------
    AnnotationSet
        The images in their order.

    Raises
    ------
    ValueError
        If ids collide or differ in kind, or classes do not agree; one line that names the files.
    """
    categories, label_of = _labels(sources, rules)
    problems = [*lost, *(problem for source in sources for problem in source.problems)]
    counts: Counter[str] = Counter()
    owners: dict[int | str, Source] = {}
    images: list[ImageAnnotations] = []
    for source in sources:
        counts.update(source.counts)
        for image_id in source.drafts:
            owner = owners.setdefault(image_id, source)
            if owner is not source:
                problem = f"{source.name}: image {image_id!r} is in {owner.name} as well"
                if not rules.skip_bad:
                    raise ValueError(problem)
                problems.append(problem)
        finished = _finished(source, label_of)
        images += (image for image in finished if owners[image.image_id] is source)
    kinds = {type(image_id): source for image_id, source in owners.items()}
    if len(kinds) > 1:
        names = " and ".join(dict.fromkeys(source.name for source in kinds.values()))
        raise ValueError(f"{names}: image ids: expected all integers or all strings")
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    return AnnotationSet(
        source=sources[0].name + more,
        images=tuple(images),
        categories=categories,
        problems=tuple(problems),
        counts=dict(counts),
    )


def _labels(sources: Sequence[Source], rules: Rules) -> tuple[Categories, dict[Any, int] | None]:
    """Return the classes, and labels by the keys of objects where keys are not labels yet."""
    if rules.classes is not None:
        return rules.classes.categories, None
    declared = [source for source in sources if source.categories is not None]
    if declared:
        first = declared[0]
        for source in sources:
            if source.categories is None:
                raise ValueError(
                    f"{source.name}: declares no classes, and {first.name} does: expected a class "
                    "map for both (classes)"
                )
            _check_same(first, source)
        return first.categories or (), None
    # A dict keeps their order, and no more than one of each.
    found = {key: source for source in sources for key in source.keys if key is not None}
    kinds = {type(key): source for key, source in found.items()}
    if len(kinds) > 1:
        names = " and ".join(source.name for source in kinds.values())
        raise ValueError(f"{names}: classes have names in one and numbers in the other")
    if int in kinds:
        numbers = range(max(found) + 1)
        return tuple((number, str(number)) for number in numbers), {k: k for k in numbers}
    ordered = sorted(found, key=natural_order)
    return tuple((name, name) for name in ordered), {k: i for i, k in enumerate(ordered)}


def _check_same(first: Source, other: Source) -> None:
    pairs = zip_longest(first.categories or (), other.categories or ())
    for label, (one, two) in enumerate(pairs):
        if one != two:
            raise ValueError(
                f"{other.name}: its categories are not those of {first.name}: the class with the "
                f"label {label} is {_told(two)}, expected {_told(one)}; a class map (classes) "
                "makes one of both"
            )


def _told(category: tuple[int | str, str] | None) -> str:
    return "none" if category is None else f"{category[1]!r} (id {category[0]!r})"


def _finished(source: Source, label_of: dict[Any, int] | None) -> list[ImageAnnotations]:
    labels = [
        0 if key is None else key if label_of is None else label_of[key] for key in source.keys
    ]
    return cut_images(
        [(draft.image_id, draft.width, draft.height) for draft in source.drafts.values()],
        np.frombuffer(source.places, np.int64),
        np.frombuffer(source.boxes, np.float64).reshape(-1, 4),
        np.array(labels, np.int64),
        np.frombuffer(source.ignored, np.bool_),
    )
