"""What ``refkernels explain --compare`` does: assigns one image in several ways."""

from importlib import import_module
from json import dumps
from pathlib import Path
from typing import Any

from refkernels.arrays import check_integer, require
from refkernels.arrays.printing import times
from refkernels.chain.published import NETWORKS, PREDICTING_NETWORKS
from refkernels.explain.beside.comparison import Comparison, compare_traces
from refkernels.explain.command import check_photo
from refkernels.explain.scene import Scene, read_predictions, trace_of
from refkernels.explain.trace.photo import PIXELS, read_photo

__all__ = ["compare_command"]

# Differences that are told; the rest is counted.
TOLD = 8


def compare_command(
    presets: str,
    *,
    annotations: Path | None = None,
    image: str | None = None,
    predictions: Path | None = None,
    truths: tuple[int, ...] = (),
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
    """Assign one image by several presets, and print what one takes and another does not.

    Parameters
    ----------
    presets : str
        Their names, with commas between.
    truths : tuple of int
        Ground truths of which all presets say why they have what they have.
    annotations, image, predictions, html, picture, pictures, png, json, options, size, resize, seed
        As for `refkernels.explain.command.explain_command`; predictions are for those that look at
        them, a size for those that leave it open, and options for those that have them.

    Raises
    ------
    TypeError, ValueError, OSError, ImportError
        One line that says what is wrong.
    """
    names = [name.strip() for name in presets.split(",")]
    require(
        len(names) > 1 and len(set(names)) == len(names),
        f"compare: expected at least two presets, each once, got {presets}",
    )
    check_photo(picture, pictures, html, png)
    predicted = None if predictions is None else read_predictions(predictions)
    looking = [name for name in names if name in PREDICTING_NETWORKS]
    require(
        predicted is None or bool(looking),
        f"predictions: none of {', '.join(names)} looks at any",
    )
    scene = Scene.of(annotations, image)
    photo = scene.photo(picture, pictures)
    traces, extents = {}, {}
    for name in names:
        network = {**NETWORKS, **PREDICTING_NETWORKS}.get(name)
        fixed = network is not None and network.fixed
        traces[name], extents[name] = trace_of(
            name,
            scene,
            predicted if name in looking else None,
            options if name in ("ssd300", "ssd512") else None,
            None if fixed else size,
            resize,
            seed,
        )
    comparison = compare_traces(traces, extents)
    count = len(comparison.positives)
    for truth in truths:
        require(count > 0, f"truth: there is none in this image, got {truth}")
        check_integer("truth", truth, low=0, high=count - 1)
    print(f"image {scene.image.image_id} of {scene.source}: positive anchors of each object\n")
    print("\n\n".join([str(comparison), *_told(comparison, truths)]))
    _write(comparison, scene, html, photo, png, json)


def _told(comparison: Comparison, truths: tuple[int, ...]) -> list[str]:
    if truths:
        return [
            "\n".join(
                f"{name}: {trace.why_truth(truth)}" for name, trace in comparison.traces.items()
            )
            for truth in truths
        ]
    told = comparison.differences()
    more = len(told) - TOLD
    return [*told[:TOLD], *([f"and {times(more, 'more difference')}"] if more > 0 else [])]


def _write(
    comparison: Comparison,
    scene: Scene,
    html: Path | None,
    photo: Path | None,
    png: Path | None,
    records: Path | None,
) -> None:
    if png is not None:
        from refkernels.assign.dataset.durable import write_atomically
        from refkernels.explain.beside.pictures import draw_comparison

        image = None if photo is None else read_photo(photo, PIXELS, scene.size).pixels
        figure = draw_comparison(comparison, image)
        write_atomically(png, lambda file: figure.savefig(file, dpi=110, format="png"))
        print(f"\npicture in {png}")
    if html is not None:
        page = import_module("refkernels.explain.beside.page")
        page.write_comparison_page(comparison, html, photo, size=scene.size)
        print(f"\npage in {html}")
    if records is not None:
        from refkernels.assign.dataset.durable import write_bytes

        write_bytes(records, dumps(comparison.as_dict(), indent=1).encode())
        print(f"\nnumbers in {records}")
