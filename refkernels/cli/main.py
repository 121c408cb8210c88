"""The command line. Everything heavy is imported by the command that uses it."""

import errno
import os
import sys
import traceback
from pathlib import Path
from typing import Any

try:
    import click
except ModuleNotFoundError:
    raise SystemExit(
        "refkernels: the command line needs click and rich; install them with: "
        "pip install 'refkernels[check]'"
    ) from None

import refkernels
from refkernels.cli.dialects import dialects
from refkernels.cli.explain import diff, explain
from refkernels.cli.options import (
    collecting_seldom,
    config_option,
    detector_given,
    fail,
    images_of,
    in_one_line,
    network_options,
    preset_option,
    reading_options,
    time_options,
)
from refkernels.cli.suggest import suggest
from refkernels.cli.survey import survey
from refkernels.cli.warmup import completion, warmup

__all__ = ["main"]

# The exit status of what does not conform.
DIVERGES = 1

# Where a report goes.
REPORT = click.Path(dir_okay=False, path_type=Path)

# How long an operator's scopes may take, all of them and the small ones.
EXHAUSTIVE_SECONDS, SCOPE_SECONDS = 300, 5

# The number of cases that `check` draws for each operator.
PROFILES = {"quick": 25, "default": 100, "thorough": 1000}


class _Commands(click.Group):
    """Commands of which an error of their own has the status of no verdict."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run one."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # a reader that went away, which click ends without a word
            traceback.print_exc()
            fail(f"an error of its own: {type(error).__name__}: {error}")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(refkernels.__version__)
def main() -> None:
    """Hold target assignment in object detection to its ground truth."""


@main.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option(
    "--operator", "operators", multiple=True, metavar="NAME", help="Only this one; repeatable."
)
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="default",
    show_default=True,
    help="How many cases are drawn per operator: "
    + ", ".join(f"{count} for {name}" for name, count in PROFILES.items())
    + ".",
)
@click.option(
    "--max-examples", type=click.IntRange(min=1), help="Drawn cases per operator, in place of it."
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="What is drawn of the same code depends on it alone.",
)
@click.option(
    "--dtype",
    "dtypes",
    multiple=True,
    type=click.Choice(["float16", "float32", "float64", "bfloat16", "int32", "int64", "uint8"]),
    help="Only this one; repeatable. Default: all, integers as far as they are taken.",
)
@click.option(
    "--context",
    "contexts",
    multiple=True,
    metavar="CTX",
    help="Only this one, such as 'cpu(0)'; repeatable. Default: every one found.",
)
@click.option(
    "--annotations",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A COCO instances JSON: its images' boxes become cases too. Default: a few "
    "generated images.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=min(2, os.cpu_count() or 1),
    show_default=True,
    help="Processes side by side.",
)
@time_options
@click.option(
    "--as",
    "reading",
    metavar="READING",
    help="Hold the code to one reading: TaskAlignedMatcher.ultralytics ('refkernels dialects').",
)
@click.option(
    "--exhaustive",
    is_flag=True,
    help="Try every input of up to 3x3 over a few levels, where an operator decides; the small "
    "ones are tried always.",
)
@click.option(
    "--keep-going", is_flag=True, help="Show several counterexamples of an operator that differ."
)
@click.option("-q", "--quiet", is_flag=True, help="Print what fails, and the sum.")
@click.option("-v", "--verbose", is_flag=True, help="Name every operator in every remark.")
@click.option("--json", type=REPORT, metavar="FILE", help="Write a report as JSON.")
@click.option("--junit", type=REPORT, metavar="FILE", help="Write one as JUnit XML, for CI.")
@click.option("--html", type=REPORT, metavar="FILE", help="Write one as a page for a browser.")
def check(
    targets: tuple[str, ...],
    operators: tuple[str, ...],
    profile: str,
    max_examples: int | None,
    seed: int,
    dtypes: tuple[str, ...],
    contexts: tuple[str, ...],
    annotations: Path | None,
    workers: int,
    time_limit: float,
    strict: bool,
    reading: str | None,
    exhaustive: bool,
    keep_going: bool,
    quiet: bool,
    verbose: bool,
    **reports: Path | None,
) -> None:
    """Hold TARGET's operators to the kernels.

    TARGET is a module, or its file, that exposes operators by name, itself or in its direct
    submodules: classes or functions of PyTorch, JAX or NumPy, or Gluon blocks. Of one that has none
    by name it is said what its callables look like ('refkernels suggest').

    Or it is a package that has bindings here: torchvision, ultralytics, mmdet, transformers,
    keras_hub, effdet, detectron2, kornia, supervision, powerboxes, pycocotools or cython_bbox.

    Or there are several, each any callable that is an operator. Where it writes things otherwise,
    words say so.

    \b
    refkernels check my.blocks                           classes by the operators' names
    refkernels check src/det.py                          what is in a file
    refkernels check my.det:box_iou=BBoxBatchIOU         a function under any name
    refkernels check my.det:Coder.encode=NormalizedBoxCenterEncoder,inputs=refs+anchors,aligned
    refkernels check my.det:match=MaximumMatcher,transposed,first=1,parameters=threshold:thr
    refkernels check torchvision                         a published package

    By default it is what pyproject.toml says in [tool.refkernels] check, else refkernels.gluon,
    and of operators that have no block refkernels itself.

    Every counterexample is saved below .refkernels/failures, and tried first the next time.

    Exit status: 0 conforms (outside declared divergences), 1 diverges, 2 usage or import error.
    """  # noqa: D301 (click wants the character itself)
    try:
        from refkernels.conformance.command import UsageError, check_command
        from refkernels.conformance.dialects.reading import as_read
        from refkernels.conformance.engine.run import ALL_DTYPES, Options
        from refkernels.conformance.project import targets_of_project
    except ModuleNotFoundError as error:
        fail(f"'check' needs {error.name}; install it with: pip install 'refkernels[check]'")
    with in_one_line(UsageError, ValueError):
        wanted = targets or targets_of_project()
        status = check_command(
            as_read(wanted, reading) if reading else wanted,
            operators,
            Options(
                max_examples or PROFILES[profile],
                seed,
                dtypes or ALL_DTYPES,
                contexts,
                strict,
                keep_going=keep_going,
                exhaustive=exhaustive,
                scope_seconds=EXHAUSTIVE_SECONDS if exhaustive else SCOPE_SECONDS,
            ),
            images_of(annotations),
            {name: file for name, file in reports.items() if file is not None},
            processes=workers,
            time_limit=time_limit,
            detail=verbose - quiet,
        )
    sys.exit(status)


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--target", metavar="MODULE", help="Run it on this one. Default: where it was seen.")
@click.option("--trust", is_flag=True, help="Import what PATH names, though it may not be yours.")
@time_options
def replay(path: Path, target: str | None, trust: bool, time_limit: float, strict: bool) -> None:
    """Run a saved counterexample again, in every mode and context there is.

    PATH is a folder that `check` named, below .refkernels/failures. The module that it names is
    imported, which runs its code: of a folder that another user wrote, or that holds that module
    itself, only with --trust.

    Exit status: 0 conforms (or differs as declared), 1 diverges, 2 usage or import error.
    """
    try:
        from refkernels.conformance.command import UsageError, replay_command
    except ModuleNotFoundError as error:
        fail(f"'replay' needs {error.name}; install it with: pip install 'refkernels[check]'")
    with in_one_line(UsageError):
        status = replay_command(path, target, time_limit=time_limit, strict=strict, trust=trust)
    sys.exit(status)


@main.command("compare-graph")
@click.argument("symbol", required=False, type=click.Path(path_type=Path))
@click.argument("params", required=False, type=click.Path(path_type=Path))
@click.option(
    "--input",
    "inputs",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An .npz of the inputs by name, or an .npy of the only one.",
)
@click.option(
    "--dump",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An .npz of internals by name, from another machine. Default: MXNet computes them here.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the internals to this .npz, to be compared elsewhere.",
)
@click.option(
    "--context", default="cpu(0)", show_default=True, metavar="CTX", help="Where MXNet computes."
)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many nodes are printed.",
)
@click.option(
    "--zoo",
    multiple=True,
    metavar="NAME",
    help="In place of files, a network of MXNet's model zoo with random parameters, or 'all'; "
    "repeatable.",
)
def compare_graph(
    symbol: Path | None,
    params: Path | None,
    inputs: Path | None,
    dump: Path | None,
    save: Path | None,
    context: str,
    rows: int,
    zoo: tuple[str, ...],
) -> None:
    """Compare a network with the reference, node by node.

    SYMBOL and PARAMS are the files of HybridBlock.export. Each node is fed with the inputs that the
    network itself gave it, and its error is in units of a bound that is derived for it: the nodes
    come worst first, then the first that is wrong. Without files it is a small one of the zoo.

    Exit status: 0 inside all bounds, 1 outside, 2 usage or a file that cannot be read.
    """
    try:
        from rich.console import Console

        from refkernels.conformance.network import command as graph_report
    except ModuleNotFoundError as error:
        fail(f"'compare-graph' needs {error.name}; install: pip install 'refkernels[check]'")
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(
            highlight=False, markup=False, emoji=False, width=180
        )  # so that a row stays on a line
    with in_one_line(OSError, ValueError, TypeError, ImportError):
        if not (zoo or symbol or params or inputs):
            zoo = ("mobilenet0.25",)
        if zoo:
            good = graph_report.compare_zoo(console, zoo, context)
        elif symbol is None or params is None or inputs is None:
            fail("compare-graph needs SYMBOL, PARAMS and --input, or --zoo")
        else:
            good = graph_report.compare_files(
                console, symbol, params, inputs, dump=dump, save=save, context=context, rows=rows
            )
    sys.exit(0 if good else DIVERGES)


@main.command()
@reading_options
@preset_option
@config_option
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A folder for a Parquet data set, or a file.npz.",
)
@network_options
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes side by side.",
)
@click.option(
    "--part-size",
    type=click.IntRange(min=1),
    default=512,
    show_default=True,
    help="Images in one file of a data set.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Draw some images' objects with their anchors, and the anchors of all objects by size.",
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="Let the workers of this Dask scheduler do it."
)
@collecting_seldom()
def assign(
    annotations: tuple[Path, ...],
    preset: str,
    config: Path | None,
    dataset: str | None,
    **settings: Any,
) -> None:
    """Assign the images of a data set to a detector's anchors, and write the targets.

    Killed at any moment and started again, it goes on, and ends with the same files.

    Exit status: 0 when all is written, 2 for a usage error or what cannot be read or written.
    """
    from refkernels.assign.command import assign_command

    options = {} if dataset is None else {"dataset": dataset}
    with in_one_line(OSError, ValueError, TypeError, RuntimeError, ImportError):
        given = detector_given(preset, config)
        assign_command(annotations or None, preset=given, options=options, **settings)


main.add_command(dialects)
main.add_command(diff)
main.add_command(explain)
main.add_command(suggest)
main.add_command(warmup)
main.add_command(completion)
main.add_command(survey)
