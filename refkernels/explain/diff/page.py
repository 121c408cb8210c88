"""Two dumps compared as one HTML file: no network, no other file, no server, no script."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times
from refkernels.explain.diff.anchor_words import SIDES
from refkernels.explain.diff.compare import Cause, Difference
from refkernels.explain.diff.headline import input_in_words
from refkernels.explain.diff.words import contents, stage_lines, state, verdict, why_of
from refkernels.explain.trace.warnings import is_padding

__all__ = ["as_page", "write_page"]

TEMPLATE = "page.html.jinja"

# Images that are drawn, those with the most differences; and anchors of a side in each.
MOST_IMAGES = 4
MOST_ANCHORS = 60


def write_page(found: Difference, path: Path, *, shown: int = 3) -> None:
    """Write a comparison as a page for a browser, whole or not at all.

    Parameters
    ----------
    found : Difference
    path : pathlib.Path
        The HTML file.
    shown : int
        How many anchors of a stage and a cause are explained.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    from refkernels.assign.dataset.durable import write_bytes

    write_bytes(path, as_page(found, shown=shown).encode())


def as_page(found: Difference, *, shown: int = 3) -> str:
    """Return a comparison as an HTML page; the parameters are those of `write_page`."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["times"] = times
    text = files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    lead, *others = verdict(found)
    return environment.from_string(text).render(
        names=[Path(dump.name).name for dump in found.sources],
        lead=lead,
        others=others,
        same=found.status == 0,
        sides=[
            {"letter": letter, "name": dump.name, "contents": contents(dump), "about": dump.about}
            for letter, dump in zip(SIDES, found.sources, strict=True)
        ],
        inputs=[input_in_words(own) for own in found.inputs],
        stages=[
            {
                "name": stage.stage.name,
                "states": [state(stage, side) for side in (0, 1)],
                "bad": [not stage.held[side].keeps for side in (0, 1)],
                "differing": stage.differing,
                "why": why_of(stage),
            }
            for stage in found.stages
        ],
        told=[_told(stage_lines(found, stage, shown)) for stage in found.stages],
        pictures=_pictures(found),
        most=MOST_ANCHORS,
    )


def _told(lines: list[str]) -> dict[str, Any]:
    """Return a stage's lines as a heading and its paragraphs, each with its list."""
    if not lines:
        return {}
    parts: list[dict[str, Any]] = []
    for line in lines[1:]:
        if line.startswith("    "):
            parts[-1]["lines"].append(line.strip())
        else:
            parts.append({"text": line.strip(), "lines": []})
    return {"heading": lines[0], "parts": parts}


def _pictures(found: Difference) -> list[dict[str, Any]]:
    """Return what is drawn of the images that differ most, or of the first where none does."""
    if any(name not in dump.arrays for dump in found.dumps for name in ("anchors", "boxes")):
        return []
    images = found.dumps[0].shape[0]
    differ = np.zeros(found.dumps[0].shape, bool)
    for stage in found.stages:
        if stage.stage.name != "ious":
            differ |= stage.causes > Cause.CHANCE
    counts = differ.sum(axis=1)
    chosen = np.argsort(-counts, kind="stable")[: MOST_IMAGES if counts.any() else 1]
    return [
        _picture(found, int(image), differ[image])
        for image in sorted(chosen)
        if counts[image] or not counts.any()
    ] if images else []  # fmt: skip


def _picture(found: Difference, image: int, differ: Array) -> dict[str, Any]:
    positive = [_positive(dump.arrays, image) for dump in found.dumps]
    sides = []
    for side, dump in enumerate(found.dumps):
        anchors = dump.arrays["anchors"][min(image, len(dump.arrays["anchors"]) - 1)]
        own = np.flatnonzero(positive[side])
        # Those that differ come first, since they are what one looks for.
        own = own[np.argsort(~differ[own], kind="stable")]
        truths = dump.arrays["boxes"][image]
        sides.append(
            {
                "letter": SIDES[side],
                "anchors": [
                    {"number": int(k), "box": _rectangle(anchors[k]), "differs": bool(differ[k])}
                    for k in own[:MOST_ANCHORS]
                ],
                "positives": len(own),
                "only": int((positive[side] & ~positive[1 - side]).sum()),
                "truths": [
                    {"number": k, "box": _rectangle(box)}
                    for k, box in enumerate(truths)
                    if not is_padding(box)
                ],
            }
        )
    view = _view(found, image)
    return {
        "image": image,
        "differing": int(differ.sum()),
        "view": view,
        "letter": max(view[2], view[3]) / 26,
        "sides": sides,
    }


def _positive(arrays: dict[str, Array], image: int) -> Array:
    """Mark the anchors (N,) that are positive, or matched where no sampler has been."""
    if "samples" in arrays:
        return np.asarray(arrays["samples"][image] > 0.5)
    if "matches" in arrays:
        return np.asarray(arrays["matches"][image] >= 0)
    return np.zeros(arrays["anchors"].shape[1], bool)


def _view(found: Difference, image: int) -> tuple[float, float, float, float]:
    """Return what is seen of both sides: all ground truths, and the centres of anchors."""
    points = [np.array([[0.0, 0.0]])]
    for dump in found.dumps:
        anchors = dump.arrays["anchors"][min(image, len(dump.arrays["anchors"]) - 1)]
        wide = anchors.astype(np.float64)
        points.append((wide[:, :2] + wide[:, 2:]) / 2)
        boxes = dump.arrays["boxes"][image].astype(np.float64)
        points.append(boxes[~is_padding(boxes)].reshape(-1, 2))
    every = np.concatenate(points)
    low, high = every.min(axis=0), every.max(axis=0)
    margin = 0.02 * max(float((high - low).max()), 1e-6)
    size = high - low + 2 * margin
    return tuple(_short(value) for value in (*(low - margin), *size))  # type: ignore[return-value]


def _rectangle(box: Array) -> tuple[float, float, float, float]:
    """Return x, y, width and height of a box, whichever corner comes first."""
    a, b = box[:2].astype(np.float64), box[2:].astype(np.float64)
    return tuple(_short(value) for value in (*np.minimum(a, b), *np.abs(b - a)))  # type: ignore[return-value]


def _short(value: Any) -> float:
    return float(f"{float(value):.6g}")
