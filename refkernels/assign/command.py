"""What ``refkernels assign`` does: reads, assigns with a progress bar, draws, and sums up."""

import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from refkernels.annotations.images import AnnotationSet
from refkernels.arrays.printing import times
from refkernels.arrays.telling import telling
from refkernels.assign.beside import PROBLEMS, beside, write_beside
from refkernels.assign.dataset.job import assign_dataset
from refkernels.assign.dataset.part import Summary
from refkernels.assign.given import check_given, given_images, stop, tell_problems
from refkernels.assign.network import Given, called, detector_of

__all__ = ["assign_command"]

# How often a line is printed where there is no terminal to draw a bar on.
LINE_SECONDS = 2.0

DRAWN_IMAGES = 8
GENERATED_IMAGES = 100


def assign_command(
    annotations: Path | Sequence[Path] | None,
    output: Path | None,
    preset: Given,
    *,
    options: dict[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    resize: str | None = None,
    seed: int = 0,
    part_size: int = 512,
    workers: int = 1,
    plot: Path | None = None,
    scheduler: str | None = None,
    generated: bool = False,
    classes: str | None = None,
    classes_from: Path | None = None,
    **reading: Any,
) -> None:
    """Assign the images of annotation files or folders, and print what there is to say.

    Beside the output, the classes are written, and what was skipped.

    Parameters
    ----------
    annotations : pathlib.Path or sequence of pathlib.Path, optional
        What `refkernels.assign.read_annotations` reads.
    output : pathlib.Path, optional
        Where targets go; without one they are not kept.
    preset, options, size, resize, seed, part_size, workers
        As for `refkernels.assign.assign_dataset`.
    plot : pathlib.Path, optional
        A folder for pictures.
    scheduler : str, optional
        The address of a Dask scheduler whose workers do it.
    generated : bool
        Generate images in place of annotations. Without either, nothing is written.
    classes : str, optional
        As for `refkernels.assign.read_annotations`.
    classes_from : pathlib.Path, optional
        An earlier output, or the file of its classes, to have the same labels as there.
    **reading
        What else `refkernels.assign.read_annotations` takes.

    Raises
    ------
    ValueError, OSError, RuntimeError, ImportError
        One line that says what is wrong.
    SystemExit
        With status 130, after an interrupt and a line that says what is kept.
    """
    if output is None and plot is None:
        raise ValueError("expected an output or a folder for pictures, or both")
    check_given(
        annotations, called(preset), options or {},
        generated=generated, classes=classes, classes_from=classes_from,
    )  # fmt: skip
    if annotations is None and not generated and output is not None:
        if plot is None:
            raise ValueError("expected annotations, or --generated images; nothing was written")
        print("no annotations: nothing is written without --generated", file=sys.stderr)
        output = None
    try:
        found = given_images(
            annotations, count=GENERATED_IMAGES, classes=classes, classes_from=classes_from,
            **reading,
        )  # fmt: skip
    except KeyboardInterrupt:
        stop("nothing was written")
    tell_problems(found, None if output is None else beside(output, PROBLEMS))
    if output is not None:
        runner = None
        if scheduler is not None:
            from refkernels.assign.dataset.dask_graph import DaskRunner

            runner = DaskRunner(scheduler)
        start = time.perf_counter()
        progress = _bar() if sys.stderr.isatty() else _Lines()
        try:
            with (
                progress,
                telling(f"{called(preset)}: kernels are compiled the first time") as quiet,
            ):

                def advance(done: int, total: int) -> None:
                    """Pass the progress on, which speaks for itself once there is some."""
                    if progress.begun is None:  # the output is ours from here on
                        write_beside(output, found)
                    progress(done, total)
                    if progress.fresh:
                        quiet.set()

                summary = assign_dataset(
                    found, output, preset, options=options, size=size, resize=resize, seed=seed,
                    part_size=part_size, workers=workers, runner=runner, progress=advance,
                )  # fmt: skip
        except KeyboardInterrupt:
            folder = f"{output}.parts" if output.suffix == ".npz" else output
            done = progress.fresh + (progress.begun[0] if progress.begun else 0)
            stop(
                f"{done} of {times(len(found), 'image')} are kept in {folder}; run it again "
                "to go on"
            )
        if progress.begun is None:  # it was complete
            write_beside(output, found)
        seconds = time.perf_counter() - start
        print("\n".join(_told(summary, found, output, progress.fresh, seconds)))
    if plot is not None:
        try:
            with telling(f"drawing pictures in {plot}"):
                _draw(found, output, preset, options or {}, size, resize, seed, plot)
        except KeyboardInterrupt:
            stop("pictures are missing; targets are complete")


def _told(
    summary: Summary, found: AnnotationSet, output: Path, fresh: int, seconds: float
) -> list[str]:
    """Return what is printed at the end."""
    images = max(1, summary.images)
    lines = [
        f"{times(summary.images, 'image')} of {found.source} in {output}",
        f"{fresh} of them now, in {seconds:.1f} s: {fresh / max(seconds, 1e-9):.0f} images/s",
        f"positive anchors: {summary.positives}, {summary.positives / images:.1f} an image",
        f"images without objects: {summary.empty_images}",
        f"objects without extent, dropped: {summary.dropped}",
        f"ignored regions (crowds, and what is marked or skipped): {summary.crowds}",
        *(f"{what}: {count}" for what, count in sorted(found.counts.items())),
        f"problems skipped: {len(found.problems)}"
        + (f", all in {beside(output, PROBLEMS)}" if found.problems else ""),
    ]
    for size, count in summary.boxes_of.items():
        lost, anchors = summary.unmatched_of[size], summary.positives_of[size]
        lines.append(
            f"{size} objects: {count}, {anchors / max(1, count):.1f} anchors each, "
            f"{lost} without any"
        )
    return lines


def _draw(
    found: AnnotationSet,
    output: Path | None,
    preset: Given,
    options: dict[str, Any],
    size: tuple[int, int] | None,
    resize: str | None,
    seed: int,
    folder: Path,
) -> None:
    from refkernels.assign.pictures import plot_images, plot_positives, positives_per_object

    detector = detector_of(preset, options, size, resize)
    step = max(1, len(found) // DRAWN_IMAGES)
    chosen = found[::step][:DRAWN_IMAGES]
    assigner = detector.by_size or detector.assigner
    plot_images(assigner, chosen, detector.resize, folder, seed=seed)
    if output is not None:
        parts = [output] if output.suffix == ".npz" else sorted(output.glob("part-*.parquet"))
        plot_positives(
            positives_per_object(parts), folder / "positives.png", str(detector.assigner.name)
        )
    print(f"pictures in {folder}")


class _Lines:
    """Tells the progress in lines, now and then."""

    def __init__(self) -> None:
        self.fresh = 0
        self.begun: tuple[int, float] | None = None
        self.told = time.perf_counter()

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, done: int, total: int) -> None:
        now = time.perf_counter()
        if self.begun is None:
            self.begun = done, now
        self.fresh = done - self.begun[0]
        if now - self.told >= LINE_SECONDS and self.fresh:
            self.told = now
            rate = self.fresh / (now - self.begun[1])
            left = (total - done) / rate
            print(
                f"{done} of {times(total, 'image')}, {rate:.0f} images/s, {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )


def _bar() -> Any:
    """Return a bar with images/s and the time left; plain lines where rich is missing."""
    try:
        rich = import_module("rich.progress")
        console = import_module("rich.console")
    except ImportError:
        return _Lines()

    class Bar(_Lines):
        """Tells the progress in a bar, with images/s and the time left."""

        def __init__(self) -> None:
            super().__init__()
            self.progress = rich.Progress(
                rich.TextColumn("{task.description}"),
                rich.BarColumn(),
                rich.MofNCompleteColumn(),
                rich.TextColumn("images, {task.fields[rate]} images/s,"),
                rich.TimeRemainingColumn(),
                rich.TextColumn("left"),
                console=console.Console(stderr=True),
            )
            self.task: Any = None

        def __enter__(self) -> "Bar":
            self.progress.start()
            self.task = self.progress.add_task("assigning", rate="-", total=None)
            return self

        def __exit__(self, *_: object) -> None:
            self.progress.stop()

        def __call__(self, done: int, total: int) -> None:
            now = time.perf_counter()
            if self.begun is None:
                self.begun = done, now
            self.fresh = done - self.begun[0]
            rate = self.fresh / max(now - self.begun[1], 1e-9)
            shown = f"{rate:.0f}" if self.fresh else "-"
            self.progress.update(self.task, completed=done, total=total, rate=shown)

    return Bar()
