"""Cases of the sampler that balances positives and negatives by lot (SPEC section 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.conformance.cases.matcher.drawn import ious_of
from refkernels.conformance.cases.sampler.lots import laws_of_lots
from refkernels.conformance.cases.sampler.matches import samples
from refkernels.conformance.cases.sampler.quota import Lottery
from refkernels.conformance.model.operator import Case, Image
from refkernels.conformance.model.parameters import Parameters

__all__ = ["OPERATORS"]

OPTIONS = st.fixed_dictionaries(
    {"num_sample": st.integers(1, 8) | st.sampled_from([10, 30, 100, 256])},
    # Of some products a little is missing to a whole number.
    optional={"pos_ratio": st.sampled_from([0.5, 0.25, 0.29, 0.57, 0.1, 0.0, 1.0, 0.9, 0.45])},
)
BATCH = st.sampled_from([None, 1, 2, 2, 3])
# Past 2048 float16 does not count one by one.
COUNT = st.one_of(st.integers(1, 6), st.integers(7, 60), st.integers(2049, 2200))
SHARES = st.sampled_from([(0.5, 0.5), (0.1, 0.8), (0.05, 0.05), (0.0, 0.9), (0.9, 0.0), (0.3, 0.3)])
WHOLE = st.sampled_from([np.int64, np.int64, np.int32, np.int8, np.float32, np.float64])


@st.composite
def _candidates(draw: DrawFn, parameters: Parameters) -> Case:
    """Draw candidates, of which there are more and fewer than the quotas."""
    config = draw(parameters.options(OPTIONS))
    images, count = draw(BATCH), draw(COUNT)
    if 6 < config["num_sample"] < 2000 and draw(st.booleans()):
        count = draw(st.integers(config["num_sample"] // 2, 3 * config["num_sample"]))
    shape = (count,) if images is None else (images, count)
    positive, negative = draw(SHARES)
    if count <= 6:
        own = st.lists(st.sampled_from([1, -1, 0]), min_size=count, max_size=count)
        signs = np.array([draw(own) for _ in range(images or 1)]).reshape(shape)
    else:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        shares = [positive, negative, 1 - positive - negative]
        signs = rng.choice([1, -1, 0], shape, p=shares)
    return Case(config, {"candidates": signs.astype(draw(WHOLE))})


def _axes(case: Case) -> dict[str, str]:
    return {"candidates": "BN"[-case.inputs["candidates"].ndim :]}


def _of_image(image: Image) -> Iterator[Case]:
    """Give candidates as region proposals have them."""
    if len(image.boxes):
        largest: Any = ious_of(image).max(-1)
        signs = np.where(largest >= 0.7, 1, np.where(largest < 0.3, -1, 0))
        yield Case({"num_sample": 256}, {"candidates": signs})


OPERATORS = (
    Lottery(
        "BalancedSampler",
        "sampler",
        _candidates,
        samples,
        _axes,
        _of_image,
        random=True,
        laws=laws_of_lots("BalancedSampler"),
        has_block=False,
        takes_integers=False,
    ),
)
