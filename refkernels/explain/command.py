"""What ``refkernels explain`` does: assigns one image, and says why its anchors are so."""

from importlib import import_module
from json import loads as json_of
from pathlib import Path
from typing import Any

import numpy as np

from refkernels.arrays import check_integer, require
from refkernels.arrays.printing import times
from refkernels.explain.progress import showing
from refkernels.explain.scene import Scene, read_predictions, trace_of
from refkernels.explain.trace.as_json import write_json
from refkernels.explain.trace.classes import named, names_of
from refkernels.explain.trace.photo import PIXELS, read_photo
from refkernels.explain.trace.records import MATCHED, Fate
from refkernels.explain.trace.trace import Trace

__all__ = ["check_photo", "describes_assigner", "explain_command"]

# Ground truths without an anchor that are told without being asked for.
TOLD_TRUTHS = 5


def explain_command(
    preset: Any,
    *,
    dump: Path | None = None,
    config: Path | None = None,
    annotations: Path | None = None,
    image: str | None = None,
    predictions: Path | None = None,
    anchors: tuple[int, ...] = (),
    truths: tuple[int, ...] = (),
    sensitivity: bool = False,
    limit: int | None = None,
    html: Path | None = None,
    picture: Path | None = None,
    pictures: Path | None = None,
    png: Path | None = None,
    json: Path | None = None,
    options: dict[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    resize: str | None = None,
    seed: int = 0,
) -> None:
    """Explain the assignment of one image, and print it.

    Parameters
    ----------
    preset, options, size, resize
        As for `refkernels.assign.assign_dataset`; without `dump` alone.
    dump : pathlib.Path, optional
        A recorded assignment, of which an image is explained in place of one of a preset.
    config : pathlib.Path, optional
        Operators as JSON, in place of those of the preset or of the dump.
    annotations : pathlib.Path, optional
        What `refkernels.assign.read_annotations` reads. Without it, a generated image.
    image : str, optional
        The image's id, or its place in the dump; by default the first with objects.
    predictions : pathlib.Path, optional
        An ``.npz`` file with ``boxes`` and ``scores``, for presets that look at them.
    anchors, truths : tuple of int
        What is asked for: these anchors, these ground truths, or with both, why an anchor is not
        matched with a ground truth.
    sensitivity : bool
        Also list the matches that hang on rounding, those of `anchors` alone if there are any.
    limit : int, optional
        How many of them at most.
    html, png, json : pathlib.Path, optional
        Files for a page, a picture and the records.
    picture, pictures : pathlib.Path, optional
        The image's photo, for the page and the picture; or a folder of photos, in which it is
        called as the annotations say.
    seed : int
        That of random samples.

    Raises
    ------
    ValueError, OSError, ImportError
        One line that says what is wrong.
    """
    require(limit is None or sensitivity, "limit: is of sensitivity, expected that as well")
    check_photo(picture, pictures, html, png)
    operators: dict[str, Any] = {}
    if config is not None:
        from refkernels.explain.diff.dump import read_config

        operators = read_config(config)
    notes: list[str] = []
    extent: tuple[float, ...] | None = None
    size_of_image: tuple[int, int] | None = None
    if dump is None:
        predicted = None if predictions is None else read_predictions(predictions)
        scene = Scene.of(annotations, image)
        trace, extent = trace_of(
            preset, scene, predicted, options or {}, size, resize, seed, operators
        )
        picture, size_of_image = scene.photo(picture, pictures), scene.size
    else:
        require(
            annotations is None and predictions is None and not options and size is None
            and resize is None,
            "annotations, predictions, boxes, size, resize: a dump has its own anchors and boxes",
        )  # fmt: skip
        require(pictures is None, "pictures: a dump names no photo, expected picture in its place")
        from refkernels.explain.diff.dump import read_dump
        from refkernels.explain.dumped import trace_of_dump

        trace, notes = trace_of_dump(read_dump(dump, operators), image, seed)
    told = _asked(trace, anchors, truths) if anchors or truths else _told(trace)
    print("\n\n".join([str(trace), *notes, *told]))
    if sensitivity:
        _print_flips(trace, anchors, limit)
    if png is not None:
        from refkernels.assign.dataset.durable import write_atomically
        from refkernels.explain.trace.pictures import draw_trace

        under = None
        if picture is not None:
            photo = read_photo(picture, PIXELS, size_of_image)
            under, extent = photo.pixels, extent or photo.size
        figure = draw_trace(trace, under, size=extent)
        write_atomically(png, lambda file: figure.savefig(file, dpi=110, format="png"))
        print(f"\npicture in {png}")
    if html is not None:
        page = import_module("refkernels.explain.trace.page")
        page.write_page(trace, html, picture, extent=extent, size=size_of_image)
        print(f"\npage in {html}")
    if json is not None:
        write_json(trace, json)
        print(f"\nrecords in {json}")


def _print_flips(trace: Trace, anchors: tuple[int, ...], limit: int | None) -> None:
    """List the matches that hang on rounding, and say how many are not listed."""
    flips: list[Any] = []
    left_out = 0
    with showing("trying changes of IoUs") as progress:
        for anchor in dict.fromkeys(anchors) if anchors else [None]:
            found = trace.sensitivity(anchor=anchor, progress=progress)
            most = len(found) if limit is None else max(0, limit - len(flips))
            flips += found[:most]
            left_out += len(found[most:])
    whose = f" of {len(set(anchors))} asked for" if anchors else ""
    count = len(flips) + left_out
    hang = "hangs" if count == 1 else "hang"
    print(f"\n{times(count, 'match')}{whose} {hang} on the rounding of float32")
    for flip in flips:
        print(named(names_of(trace), str(flip)))
    if left_out:
        print(f"and {left_out} more")


def check_photo(
    picture: Path | None, pictures: Path | None, html: Path | None, png: Path | None
) -> None:
    """Raise `ValueError` for a photo that nothing shows."""
    for name, given in (("picture", picture), ("pictures", pictures)):
        require(
            given is None or html is not None or png is not None,
            f"{name}: is for the page and the picture, expected html or png as well",
        )


def describes_assigner(config: Path) -> bool:
    """Return whether a file describes an assigner with its anchors, and not operators alone."""
    try:
        members = json_of(config.read_bytes())
    except (ValueError, RecursionError):
        return False  # which is said by who reads it
    return isinstance(members, dict) and bool({"anchors", "preset"} & set(members))


def _asked(trace: Trace, anchors: tuple[int, ...], truths: tuple[int, ...]) -> list[str]:
    for name, count, numbers in (
        ("anchor", len(trace.anchors), anchors),
        ("truth", len(trace.truths), truths),
    ):
        for number in numbers:
            require(count > 0, f"{name}: there is none in this image, got {number}")
            check_integer(name, number, low=0, high=count - 1)
    if anchors and truths:
        return [trace.why_not(anchor, truth) for anchor in anchors for truth in truths]
    return [*map(trace.why, anchors), *map(trace.why_truth, truths)]


def _told(trace: Trace) -> list[str]:
    """Return an anchor of each stage that matches, and the ground truths without a positive one."""
    told = []
    for stage in MATCHED:
        rows = np.flatnonzero(trace.anchors["stage"] == stage)
        if len(rows):
            told.append(trace.why(int(rows[0])))
    without = np.flatnonzero(trace.truths["fate"] != Fate.MATCHED)
    return [*told, *(trace.why_truth(int(truth)) for truth in without[:TOLD_TRUTHS])]
