"""BBoxBatchIOU beside gluoncv, pycocotools, powerboxes and torchvision."""

from typing import Any

import numpy as np

from bench.harness import Contestant, Table, compare, load, measure
from bench.peers import GLUONCV, POWERBOXES, PYCOCOTOOLS, TORCHVISION
from bench.scenes import SCENES, scene
from refkernels import BBoxBatchIOU

__all__ = ["run"]

GLUONCV_TARGET = {"8732 x 20": 50, "24564 x 100": 80}


def run(rounds: int) -> bool:
    """Measure all; return whether every target is met."""
    peers, skipped = load((GLUONCV, PYCOCOTOOLS, POWERBOXES, TORCHVISION))
    print("\n".join(skipped))
    met = True
    for name in SCENES:
        for dtype in (np.float32, np.float64):
            contestants = _contestants(name, dtype, peers)
            title = f"BBoxBatchIOU, {name}, {np.dtype(dtype)}, {rounds} rounds"
            met &= compare(title, contestants, rounds, _differ)
    _growth(rounds)
    return met


def _contestants(name: str, dtype: Any, peers: dict[str, Any]) -> list[Contestant]:
    a, b = scene(name, dtype)
    operator = BBoxBatchIOU()
    contestants = [Contestant("refkernels, one thread", lambda: operator(a, b))]
    if "gluoncv" in peers and dtype == np.float32:
        mxnet, nn = peers["gluoncv"]
        nd_a, nd_b = (mxnet.nd.array(x[None], dtype=dtype) for x in (a, b))
        for hybrid in (False, True):
            block = nn.bbox.BBoxBatchIOU()
            if hybrid:
                block.hybridize(static_alloc=True, static_shape=True)
            contestants.append(
                Contestant(
                    "gluoncv, hybridised" if hybrid else "gluoncv, as constructed",
                    lambda block=block: _waited(block(nd_a, nd_b)),
                    lambda ious: ious.asnumpy()[0],
                    None if hybrid else GLUONCV_TARGET[name],
                )
            )
    if "pycocotools" in peers and dtype == np.float64:
        iou = peers["pycocotools"].iou
        sides_a, sides_b = (np.concatenate([x[:, :2], x[:, 2:] - x[:, :2]], 1) for x in (a, b))
        crowd = [0] * len(b)
        contestants.append(
            Contestant("pycocotools.mask.iou", lambda: iou(sides_a, sides_b, crowd), target=10)
        )
    if "powerboxes" in peers:
        distance = peers["powerboxes"].iou_distance
        contestants.append(
            Contestant(
                "powerboxes.iou_distance",
                lambda: distance(a, b),
                lambda distances: 1 - distances,
                3 if dtype == np.float64 else None,
            )
        )
    if "torchvision" in peers:
        torch, box_iou = peers["torchvision"]
        tensor_a, tensor_b = torch.from_numpy(a), torch.from_numpy(b)
        contestants.append(Contestant("torchvision.box_iou", lambda: box_iou(tensor_a, tensor_b)))
    return contestants


def _waited(result: Any) -> Any:
    result.wait_to_read()
    return result


def _differ(ours: Any, theirs: Any) -> str:
    difference = np.abs(ours - theirs).max()
    return f"within {difference:.0e}" if difference else "equal"


def _growth(rounds: int) -> None:
    """Print the time per pair as the matrix grows: constant, if the cost is linear in N M."""
    table = Table("BBoxBatchIOU, float32: time per pair", "N x M", "median ms", "ns a pair")
    rng = np.random.default_rng(0)
    operator = BBoxBatchIOU()
    for count, columns in (
        *((n, 20) for n in (1000, 10_000, 100_000)),
        *((n, 100) for n in (1000, 10_000, 100_000)),
        (10_000, 1000),
        (1000, 10_000),
        (100, 100_000),
    ):
        a, b = (rng.random((n, 4), np.float32) for n in (count, columns))
        a[:, 2:] += a[:, :2]
        b[:, 2:] += b[:, :2]
        median = measure(lambda a=a, b=b: operator(a, b), max(5, rounds // 2)).median
        pairs = count * columns
        table.add(f"{count} x {columns}", f"{1e3 * median:.3f}", f"{1e9 * median / pairs:.3f}")
    table.print()
