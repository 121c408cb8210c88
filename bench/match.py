"""The matchers beside gluoncv's, on IoUs of anchors and on matrices made to be hard."""

from typing import Any

import numpy as np

from bench.harness import Contestant, Table, compare, load, measure
from bench.peers import GLUONCV
from bench.scenes import SCENES, scene
from refkernels import BBoxBatchIOU, BipartiteMatcher, MaximumMatcher

__all__ = ["run"]

TARGET = {"24564 x 100": 150}


def run(rounds: int) -> bool:
    """Measure all; return whether every target is met."""
    peers, skipped = load((GLUONCV,))
    print("\n".join(skipped))
    met = True
    for name in SCENES:
        x = BBoxBatchIOU()(*scene(name, np.float32))
        for operator, options in (
            (BipartiteMatcher, {}),
            (BipartiteMatcher, {"share_max": False}),
            (MaximumMatcher, {"threshold": 0.5}),
        ):
            shown = ", ".join(f"{key}={value}" for key, value in options.items())
            title = f"{operator.__name__}({shown}), {name}, float32, {rounds} rounds"
            target = TARGET.get(name) if operator is BipartiteMatcher else None
            contestants = _contestants(x, operator, options, target, peers)
            met &= compare(title, contestants, rounds, _differ)
    _growth(rounds)
    return met


def _contestants(
    x: Any, operator: Any, options: dict[str, Any], target: float | None, peers: dict[str, Any]
) -> list[Contestant]:
    ours = operator(**options)
    contestants = [Contestant("refkernels, one thread", lambda: ours(x))]
    if "gluoncv" in peers:
        mxnet, nn = peers["gluoncv"]
        given = mxnet.nd.array(x[None])
        for hybrid in (False, True):
            block = getattr(nn.matcher, operator.__name__)(**options)
            if hybrid:
                block.hybridize(static_alloc=True, static_shape=True)
            contestants.append(
                Contestant(
                    "gluoncv, hybridised" if hybrid else "gluoncv, as constructed",
                    lambda block=block: _waited(block(given)),
                    lambda matches: matches.asnumpy()[0].astype(int),
                    None if hybrid else target,
                )
            )
    return contestants


def _waited(result: Any) -> Any:
    result.wait_to_read()
    return result


def _differ(ours: Any, theirs: Any) -> str:
    count = int((ours != theirs).sum())
    return f"{count} rows differ" if count else "equal"


def _growth(rounds: int) -> None:
    """Print the time per pair as the matrix grows, of easy matrices and of the hardest."""
    table = Table(
        "BipartiteMatcher, float32: ns a pair", "N x M", "random", "zeros", "equal", "falling",
        "rising", "rising, one order",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    operator = BipartiteMatcher()
    for count, columns in (
        *((n, 20) for n in (1000, 10_000, 100_000)),
        *((n, 100) for n in (1000, 10_000, 100_000)),
        (1000, 1000),
        (100, 10_000),
    ):
        rising = np.linspace(0.1, 0.9, count, dtype=np.float32)[:, None]
        matrices = (
            rng.random((count, columns), np.float32),
            np.zeros((count, columns), np.float32),
            np.full((count, columns), 0.5, np.float32),
            np.repeat(rising[::-1], columns, axis=1),
            rising * rng.uniform(0.5, 1, columns).astype(np.float32),
            np.repeat(rising, columns, axis=1),
        )
        times = [measure(lambda x=x: operator(x), max(3, rounds // 8)).median for x in matrices]
        pairs = count * columns
        table.add(f"{count} x {columns}", *(f"{1e9 * seconds / pairs:.2f}" for seconds in times))
    table.print()
