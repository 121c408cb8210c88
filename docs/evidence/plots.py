"""Draw recorded races: how many times as long as ours the others take."""

import json
import textwrap
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

# Plots are drawn in the folder of this file.
RUNS = Path("runs")


def draw_iou() -> None:
    """Draw the recorded run of `bench iou`."""
    _draw(json.loads((RUNS / "iou.json").read_text()))


def draw_assign() -> None:
    """Draw the recorded run of `bench assign`."""
    _draw(json.loads((RUNS / "assign.json").read_text()))


def draw_modern() -> None:
    """Draw the recorded run of `bench modern`."""
    _draw(json.loads((RUNS / "modern.json").read_text()))


def draw_growth() -> None:
    """Draw the times of `bench modern` as sizes grow."""
    _, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for each in json.loads((RUNS / "modern.json").read_text())["growth"]:
        milliseconds = [1e3 * seconds for seconds in each["medians"]]
        axes.plot(each["sizes"], milliseconds, marker="o", label=each["name"])
    axes.set(xscale="log", yscale="log", xlabel="size", ylabel="ms, one thread")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    plt.show()


def _draw(record: dict[str, Any]) -> None:
    """Draw one bar for each contestant of each race, on a logarithmic axis."""
    bars: list[tuple[str, float, float, float] | None] = []
    starts = []
    for race in record["races"]:
        ours, *others = race["contestants"]
        starts.append((len(bars), textwrap.shorten(race["title"], 62, placeholder=" …")))
        for each in others:
            spread = [each[key] / ours["median"] for key in ("low", "median", "high")]
            bars.append((each["name"], *spread))
        bars.append(None)
    _, axes = plt.subplots(figsize=(8, 0.28 * len(bars) + 1), layout="constrained")
    for place, bar in enumerate(bars):
        if bar is None:
            continue
        _, low, median, high = bar
        axes.barh(place, median, color="#3a7ca5", height=0.7)
        axes.plot([low, high], [place, place], color="black", linewidth=1)
        axes.text(1.08 * max(high, median), place, f"{median:.3g}", va="center", fontsize=8)
    shown = [(place, bar[0]) for place, bar in enumerate(bars) if bar is not None]
    axes.set_yticks([place for place, _ in shown], [label for _, label in shown], fontsize=8)
    axes.set_xscale("log")
    axes.set_xmargin(0.15)
    axes.axvline(1, color="#c0392b", linewidth=1)
    axes.set_xlabel("times as long as refkernels, with quartiles")
    axes.invert_yaxis()
    for place, title in starts:
        axes.text(0, place - 0.62, title, transform=axes.get_yaxis_transform(), fontsize=7.5)
    plt.show()
