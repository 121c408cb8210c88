"""``python -m tests.gpu``: what of PyTorch is bound, on each CUDA device beside the CPU.

Of the published packages those are checked that are installed, and PyTorch's code of our own. It
needs PyTorch, and what ``pip install '.[check]'`` installs.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from refkernels.conformance.engine.run import Options
from refkernels.conformance.model.result import Result
from refkernels.conformance.peers.opening import PEERS, bindings_of, why_absent
from refkernels.conformance.process.supervisor import check
from refkernels.conformance.report.console import LiveReport, print_header, print_results
from refkernels.conformance.report.html import as_html
from refkernels.conformance.report.summary import Summary, as_json, write
from refkernels.conformance.targets.torch import TorchAdapter
from tests.peers.standing_in import stand_in

# Modules of our own that are written in PyTorch, with the operators that they have; the last is
# wrong, and must be found so on every device.
OWN = "tests.conformance.targets.in_torch"
OPERATORS = ("BBoxArea", "MaximumMatcher", "NaiveSampler")
WRONG = "NaiveSampler"

# No package is begun after so long.
MINUTES = 7.0

# Of these packages something is in PyTorch.
IN_TORCH = (
    "torchvision",
    "ultralytics",
    "mmdet",
    "transformers",
    "effdet",
    "kornia",
    "detectron2",
)


def devices() -> list[str]:
    """Return where PyTorch can compute beside the CPU."""
    return TorchAdapter().contexts()[1:]


def device_name(device: str) -> str:
    """Return what a device is called."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def packages() -> Iterator[tuple[str, list[str]]]:
    """Yield what is checked: modules and peers, with their items."""
    yield OWN, list(OPERATORS)
    for name in IN_TORCH:
        assert name in PEERS
        if not why_absent(name):
            yield name, [binding.item for _, binding in bindings_of([name])]


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=Path("gpu-report"))
@click.option("--max-examples", type=click.IntRange(min=1), default=15, show_default=True)
@click.option("--minutes", type=click.FloatRange(min=0), default=MINUTES, show_default=True)
@click.option("--only", multiple=True, help="A package, or ours: in_torch. Repeatable.")
def main(output: Path, max_examples: int, minutes: float, only: tuple[str, ...]) -> None:
    """Check what is bound on every device; write the verdicts to OUTPUT as JSON and HTML.

    Exit status: 0 if all is as on the CPU, 1 if something fails, 2 without a device.
    """
    console, started = Console(highlight=False), time.perf_counter()
    found = devices()
    if not found:
        console.print("no GPU found: PyTorch has no CUDA device, so nothing was compared")
        sys.exit(2)
    stand_in()
    output.mkdir(parents=True, exist_ok=True)
    console.print(f"devices: {', '.join(f'{own} ({device_name(own)})' for own in found)}")
    print_header(console, "what is written in PyTorch", 0)
    options = Options(
        max_examples,
        dtypes=("float16", "float32", "float64", "bfloat16"),
        contexts=("cpu", *found),
        scope_seconds=2,
        shrink_seconds=5,
    )
    results: list[Result] = []
    for name, items in packages():
        if only and name.rpartition(".")[2] not in only:
            continue
        if time.perf_counter() - started > 60 * minutes:
            console.print(f"{name}: not tried, for the time was over")
            continue
        workers = min(len(items), max(2, (os.cpu_count() or 2) - 2))
        with LiveReport(console, items) as live:
            results += check(
                [name],
                items,
                options,
                failures=output / "failures",
                workers=workers,
                time_limit=60,
                on_event=live.on_event,
            )
    seconds = time.perf_counter() - started
    summary = Summary("what is written in PyTorch", results, seconds, asdict(options))
    write(output / "gpu.json", as_json(summary))
    write(output / "gpu.html", as_html(summary))
    print_results(console, summary)
    wrong = [own for own in results if own.operator == WRONG and not own.place]
    others = [own for own in results if own not in wrong]
    if any(own.verdict != "diverges" for own in wrong):
        console.print(f"{WRONG} of ours is wrong, and was not found so")
        sys.exit(1)
    sys.exit(Summary("", others, seconds, {}).status)


if __name__ == "__main__":
    main()
