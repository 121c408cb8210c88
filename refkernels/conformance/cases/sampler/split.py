"""Cases of the samplers of examples (SPEC section 3): iterables, with a length and epochs.

Orders are drawn, so what is checked is what holds of every draw: which examples an epoch yields,
how they fall into batches, that batches are sorted, the length, and that a seed repeats itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.conformance.cases.sampler.split_laws import BUCKET_LAWS, ORDER_LAWS, depth_of
from refkernels.conformance.model.compare import Disagreement
from refkernels.conformance.model.operator import Case, Operator, Output, Reference, build
from refkernels.conformance.model.parameters import Parameters

__all__ = ["OPERATORS", "epochs_of"]

# The batches of each bucket if it is sorted up, and if it is sorted down.
Buckets = Sequence[tuple[list[list[int]], list[list[int]]]]


@dataclass(frozen=True)
class Iterable(Operator):
    """A sampler of examples: what is compared are two epochs of one, and the same of its twin."""

    calling: str = "epochs"

    def refer(self, case: Case, *, ask_definition: bool | None = None) -> Reference:
        """Return the kernel's epochs; what the definition says is asked by `judge`."""
        return Reference(
            None, epochs_of(lambda: build(self.kernel, case.config, lambda name: None))
        )

    def run_kernel(self, case: Case, seed: int | None = None, epochs: int = 2) -> tuple[Array, ...]:
        """Return the kernel's epochs; a seed is a parameter here."""
        return epochs_of(lambda: build(self.kernel, case.config, lambda name: None), epochs)

    def judge_kernel(self, case: Case, reference: Reference) -> Disagreement | None:
        """Hold the kernel to the definition."""
        return self.judge(case, reference, reference.kernel)

    def judge(
        self, case: Case, reference: Reference, outputs: tuple[Array, ...]
    ) -> Disagreement | None:
        """Hold two epochs, and those of a twin, to the definition."""
        length, first, first_sizes, second, second_sizes, *twins = (
            output.tolist() for output in outputs
        )
        # SplitSampler alone draws a seed if it is given none.
        seeded = self.name != "SplitSampler" or case.config.get("seed") is not None
        for name, own, other in zip(("first", "second"), (first, second), twins, strict=True):
            if seeded and own != other:
                return Disagreement(
                    "epoch", f"two samplers of the same seed differ in their {name} epoch"
                )
        for name, examples, sizes in (
            ("first", first, first_sizes),
            ("second", second, second_sizes),
        ):
            if length != len(sizes):
                return Disagreement("length", f"len is {length}, the {name} epoch has {len(sizes)}")
            ends = np.cumsum(sizes)
            batches = [examples[end - size : end] for end, size in zip(ends, sizes, strict=True)]
            wrong = self.check_epoch(case, batches)
            if wrong is not None:
                return Disagreement(f"{name} epoch", f"{name} epoch: {wrong}")
        return None

    def check_epoch(self, case: Case, batches: list[list[int]]) -> str | None:
        """Return what is wrong with one epoch, or None."""
        config = dict(case.config)
        config.pop("seed", None)
        if self.name == "SplitSampler":
            expected = sorted(self.definition(**config))
            found = sorted(batch[0] for batch in batches)
            return None if found == expected else f"yields {found}, expected {expected}"
        return _check_batches(self.definition, config, batches)


def _check_batches(definition: Any, config: dict[str, Any], batches: list[list[int]]) -> str | None:
    shuffled = config.pop("shuffle", False)
    keys = config["sort_keys"]
    buckets = definition(**config)
    sizes = [len(batch) for up, _ in buckets for batch in up]
    found = [len(batch) for batch in batches]
    if sorted(found) != sorted(sizes):
        return f"batches have lengths {found}, expected {sizes}"
    for batch in batches:
        own = [keys[example] for example in batch]
        if own not in (sorted(own), sorted(own, reverse=True)):
            return f"batch {batch} is not sorted: its keys are {own}"
    if shuffled:
        # Which examples the part has is drawn; that they are so many is not.
        expected = len({example for up, _ in buckets for batch in up for example in batch})
        distinct = len({example for batch in batches for example in batch})
        if distinct != expected:
            return f"has {distinct} examples, expected {expected}"
        return _check_spans([[keys[example] for example in batch] for batch in batches], buckets)
    start = 0
    for up, down in buckets:
        own_batches = batches[start : start + len(up)]
        start += len(up)
        if own_batches not in (up, down):
            return f"has {own_batches}, expected {up} or {down}"
    return None


def _check_spans(batches: Sequence[Sequence[float]], buckets: Buckets) -> str | None:
    """Tell whether batches, given their keys, reach into each other more than those of buckets do.

    Of a sorted bucket no two do, but for the last, if it reaches back into the one before. So there
    are at most so many, whatever was drawn.
    """
    most = sum(1 + (len(set(chain(*up))) < sum(map(len, up))) for up, _ in buckets)
    depth = depth_of(batches)
    if depth <= most:
        return None
    return f"{depth} batches have keys on both sides of one, expected {most} at most"


def epochs_of(make: Callable[[], Any], count: int = 2) -> tuple[Array, ...]:
    """Return the length, the examples and batch sizes of epochs, and the examples of a twin's two.

    The twin is made before the first epoch is drawn, so that a generator of all samplers shows.
    """
    sampler, twin = make(), make()
    epochs = [part for _ in range(count) for part in _batches(sampler)]
    twins = [_batches(twin)[0] for _ in range(2)]
    return (np.array(len(sampler)), *(np.array(part, np.int64) for part in (*epochs, *twins)))


def _batches(sampler: Any) -> tuple[list[int], list[int]]:
    batches = [item if isinstance(item, (list, tuple)) else [item] for item in sampler]
    return [int(example) for batch in batches for example in batch], [len(b) for b in batches]


@st.composite
def _parts(draw: DrawFn) -> dict[str, Any]:
    parts = draw(st.integers(1, 5))
    config: dict[str, Any] = {"num_parts": parts, "part_index": draw(st.integers(0, parts - 1))}
    return config if parts > 1 or draw(st.booleans()) else {}


@st.composite
def _split(draw: DrawFn, parameters: Parameters) -> Case:
    return Case(draw(parameters.options(_split_options())), {})


@st.composite
def _split_options(draw: DrawFn) -> dict[str, Any]:
    config = {"length": draw(st.integers(0, 30)), **draw(_parts())}
    if draw(st.booleans()):
        config["remainder"] = draw(st.sampled_from(["drop", "spread"]))
    if draw(st.booleans()):
        config["seed"] = draw(st.integers(0, 5))
    return config


@st.composite
def _buckets(draw: DrawFn, parameters: Parameters) -> Case:
    return Case(draw(parameters.options(_bucket_options())), {})


@st.composite
def _bucket_options(draw: DrawFn) -> dict[str, Any]:
    keys: list[float]
    levels = draw(st.sampled_from([10, 1]))  # if all are equal, order is not drawn
    keys = draw(st.lists(st.integers(0, levels - 1), min_size=1, max_size=40))
    if draw(st.booleans()):  # several buckets of several batches
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        keys = rng.integers(0, levels, draw(st.integers(8, 60))).tolist()
    if draw(st.booleans()):  # as ratios of sides are, or their logarithms
        keys = [key / 8 - 0.5 for key in keys]
    config = {
        "sort_keys": keys,
        "batch_size": draw(st.integers(1, 6)),
        "mult": draw(st.sampled_from([1, 2, 1.5, 2.75, 32])),
        **draw(_parts()),
        "shuffle": draw(st.booleans()),
    }
    if draw(st.booleans()):
        config["seed"] = draw(st.integers(0, 5))
    return config


def _no_axes(case: Case) -> dict[str, str]:
    return {}


def _outputs(case: Case) -> tuple[Output, ...]:
    return ()


OPERATORS = tuple(
    Iterable(name, "sampler", draw, _outputs, _no_axes, laws=laws, takes_integers=False)
    for name, draw, laws in (
        ("SplitSampler", _split, ORDER_LAWS),
        ("SplitSortedBucketSampler", _buckets, BUCKET_LAWS),
    )
)
