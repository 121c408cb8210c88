"""The samplers beside gluoncv's, on a batch of SSD512."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.batch import SHAPE, batch
from bench.harness import Contestant, compare, load
from bench.peers import GLUONCV
from refkernels import NaiveSampler, OHEMSampler, QuotaSampler

__all__ = ["run"]

RPN = {"num_sample": 256, "pos_thresh": 0.7, "neg_thresh_high": 0.3, "pos_ratio": 0.5}


def run(rounds: int) -> bool:
    """Measure all; return whether every target is met."""
    peers, skipped = load((GLUONCV,))
    print("\n".join(skipped))
    data = batch()
    met = True
    for ours, options, inputs, target, differ in (
        (NaiveSampler, {}, (data.matches,), None, _differ),
        (OHEMSampler, {"ratio": 3}, (data.matches, data.logits, data.ious), 5, _differ),
        (QuotaSampler, RPN, (data.matches, data.ious), 30, _differ_in_number),
    ):
        contestants = [Contestant("refkernels, one thread", _bound(ours(**options), inputs))]
        if "gluoncv" in peers:
            mxnet, nn = peers["gluoncv"]
            given = [mxnet.nd.array(x, dtype=np.float32) for x in inputs]
            block = getattr(nn.sampler, ours.__name__)(**options)
            contestants.append(
                Contestant(
                    "gluoncv, as constructed",
                    lambda block=block, given=given: _waited(block(*given)),
                    lambda samples: samples.asnumpy().astype(int),
                    target,
                )
            )
        met &= compare(f"{ours.__name__}, {SHAPE}, {rounds} rounds", contestants, rounds, differ)
    return met


def _bound(operator: Any, inputs: Any) -> Callable[[], Any]:
    return lambda: operator(*inputs)


def _waited(result: Any) -> Any:
    result.wait_to_read()
    return result


def _differ(ours: Any, theirs: Any) -> str:
    count = int((ours != theirs).sum())
    return f"{count} samples differ" if count else "equal"


def _differ_in_number(ours: Any, theirs: Any) -> str:
    """Of random subsets only the sizes compare."""
    for sign, name in ((1, "positives"), (-1, "negatives")):
        one, other = (((samples == sign).sum(1)).tolist() for samples in (ours, theirs))
        if one != other:
            return f"{name} {one}, not {other}"
    return "equal quotas"
