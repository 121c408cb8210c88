"""What commands have in common: options of the same meaning, and how they fail."""

import atexit
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

__all__ = [
    "PRESETS",
    "USAGE",
    "collecting_seldom",
    "config_option",
    "detector_given",
    "fail",
    "images_of",
    "in_one_line",
    "network_options",
    "preset_option",
    "reading_options",
    "time_options",
]

# The exit status of a wrong call, or of a file that cannot be read or written.
USAGE = 2

# So many new objects, in place of 700, let Python look for cycles of garbage.
SELDOM = 300_000

# The names in `chain.published`, which is not imported for a help text.
PRESETS = (
    "ssd300, ssd512, rpn_fpn, faster_rcnn, retinanet, yolo3, atss or fcos, of the papers; "
    "torchvision_ssd300, torchvision_ssdlite320, torchvision_retinanet, torchvision_rpn, "
    "torchvision_fcos, "
    "detectron2_retinanet, detectron2_rpn, mmdet_ssd300, mmdet_retinanet or mmdet_rpn, of packages"
)

Options = Callable[[Callable[..., Any]], Callable[..., Any]]


def _all(*options: Options) -> Options:
    """Return options as one decorator, in the order in which help lists them."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with all of the options."""
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


preset_option = click.option(
    "--preset", default="ssd300", show_default=True, metavar="NAME", help=f"{PRESETS}."
)

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A JSON file of anchors, operators and the input, in place of a preset.",
)

network_options = _all(
    click.option(
        "--size",
        type=click.IntRange(min=1),
        nargs=2,
        metavar="HEIGHT WIDTH",
        help="The network's input in pixels. Default: the preset's.",
    ),
    click.option(
        "--resize",
        type=click.Choice(["stretch", "fit", "letterbox", "shorter"]),
        help="How images are brought to that size: each side, both by one factor, that with the "
        "image in the middle, or by the shorter side, so that each image has its own input and "
        "anchors. Default: the preset's.",
    ),
    click.option(
        "--boxes",
        "dataset",
        type=click.Choice(["voc", "coco"]),
        help="The scale of SSD's default boxes. Default: voc.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Random samples depend on it and on the image's id.",
    ),
)

reading_options = _all(
    click.option(
        "--annotations",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="PATH",
        help="COCO's, LVIS's or Objects365's instances JSON (or .json.gz); a folder of Pascal VOC "
        "XML files, or a list of ImageSets; a folder of YOLO text files, or its data.yaml; Open "
        "Images' CSV of boxes. Several are read as one.",
    ),
    click.option(
        "--generated", is_flag=True, help="Take generated images in place of annotations."
    ),
    click.option(
        "--classes",
        metavar="FILE|A,B,C",
        help="The classes in the order of their labels: a JSON or YAML file, one of a name a line, "
        "or names. Default: what the annotations declare or hold.",
    ),
    click.option(
        "--classes-from",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Take the classes, and so the labels, of an earlier output.",
    ),
    click.option(
        "--difficult",
        type=click.Choice(["object", "ignore", "drop"]),
        help="What VOC's 'difficult' and COCO's 'ignore' are. Default: object for VOC's, ignore (a "
        "region whose anchors are neither) for COCO's.",
    ),
    click.option("--clip", is_flag=True, help="Clip boxes that jut out of their image."),
    click.option(
        "--voc-origin",
        type=click.IntRange(0, 1),
        default=1,
        show_default=True,
        help="Where VOC's pixels are counted from; 0 takes the numbers as they are.",
    ),
    click.option(
        "--images",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Images whose sizes YOLO and Open Images need. Default: beside the annotations.",
    ),
    click.option(
        "--split",
        type=click.Choice(["train", "val", "test"]),
        default="train",
        show_default=True,
        help="Which part of a data.yaml.",
    ),
    click.option(
        "--skip-bad",
        is_flag=True,
        help="Leave bad annotations, images and files out, and list them beside the output; a "
        "skipped object's box is an ignored region.",
    ),
)

time_options = _all(
    click.option(
        "--time-limit",
        type=click.FloatRange(min=0, min_open=True),
        default=120.0,
        show_default=True,
        metavar="SECONDS",
        help="A call that takes longer hangs.",
    ),
    click.option("--strict", is_flag=True, help="Report declared divergences as if they were not."),
)


def detector_given(preset: str, config: Path | None) -> Any:
    """Return a preset's name, or what a file describes in its place.

    Raises
    ------
    OSError, ValueError, TypeError
        If the file cannot be read, or both are given.
    """
    if config is None:
        return preset
    source = click.get_current_context().get_parameter_source("preset")
    if source is not click.core.ParameterSource.DEFAULT:
        raise ValueError("expected a preset or a config, not both; a config can name a preset")
    from refkernels.assign import read_config

    if (
        os.getcwd() not in sys.path
    ):  # a command has its own folder there, and not that of classes of one's own
        sys.path.append(os.getcwd())
    return read_config(config)


def fail(message: str) -> NoReturn:
    """Print one line, and end with the status of a wrong call."""
    from refkernels.arrays.printing import printable  # which needs NumPy, as a help text does not

    click.echo(f"refkernels: {printable(message)}", err=True)
    sys.exit(USAGE)


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look seldom for cycles of garbage in a command, and not once more as its process ends.

    What Numba and a command load are 200 000 objects, all of which stay: to look through them again
    and again is a quarter of the time of a short command. It is for commands that run no code but
    that of refkernels, which leaves next to no cycles.
    """
    first, *others = gc.get_threshold()
    gc.set_threshold(max(first, SELDOM), *others)
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # both count what is new as old, so that nothing is looked through now
        gc.set_threshold(first, *others)


@contextmanager
def in_one_line(*errors: type[Exception]) -> Iterator[None]:
    """Turn what a command raises into a line and a status; a reader that went away is no error."""
    try:
        yield
    except BrokenPipeError:
        raise  # which click ends without a word
    except errors as error:
        if isinstance(error, OSError) and error.filename is not None:
            fail(f"{error.filename}: {error.strerror}")
        fail(str(error))


def images_of(annotations: Path | None, generated: int = 4) -> Any:
    """Return images with anchors: those of a file, or some that are generated."""
    from refkernels.assign import read_coco, sample_images
    from refkernels.assign.anchors import ssd300_anchors
    from refkernels.conformance.model.operator import Image

    anchors = ssd300_anchors()
    with in_one_line(OSError, ValueError):
        found = sample_images(generated) if annotations is None else read_coco(annotations)
    return [Image(f"image {i.image_id}", i.boxes, i.labels, anchors) for i in found]
