"""Differences of whole target chains, which are those of their operators."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases import find
from refkernels.conformance.model.chain import Pipeline
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import Case
from refkernels.conformance.peers.gluoncv.bbox import intersection_and_union

__all__ = ["divergences"]


def divergences(operators: Sequence[Divergence]) -> tuple[Divergence, ...]:
    """Return the differences of the chains, given those of their operators."""
    return (
        *(
            Divergence(
                id,
                name,
                "What its operators do otherwise shows.",
                _shows(name, operators, in_all_modes=True),
                case,
            )
            for id, name, case in (
                ("GCV-108", "SSDTargets", SSD),
                ("GCV-109", "RPNTargets", RPN),
                ("GCV-110", "RCNNTargets", RPN),
                ("GCV-111", "CenterNetBoxes", CENTERNET),
            )
        ),
        *(
            Divergence(
                id,
                name,
                "Anchors (1, N, 4) for a larger batch raise an error once the blocks are "
                "hybridised.",
                _shows(name, operators, in_all_modes=False),
                case,
                modes=("hybridised", "exported"),
            )
            for id, name, case in (
                ("GCV-112", "SSDTargets", SSD_2),
                ("GCV-113", "RPNTargets", RPN_2),
            )
        ),
    )


def _shows(
    name: str, operators: Sequence[Divergence], *, in_all_modes: bool
) -> Callable[[Case], bool]:
    def when(case: Case) -> bool:
        """Return whether an operator of the chain, with the case that it is given, diverges."""
        return any(
            divergence.when(own)
            for operator, own in _stages(name, case)
            for divergence in operators
            if divergence.operator == operator and in_all_modes != bool(divergence.modes)
        )

    return when


def _stages(name: str, case: Case) -> Iterator[tuple[str, Case]]:
    """Yield each operator with its case, as gluoncv's own results make it."""
    values = dict(case.inputs)
    chain = find(name)
    assert isinstance(chain, Pipeline)
    for stage in chain.stages:
        own = stage.case(values)
        yield stage.recipe.name, own
        outputs: Sequence[Array] = stage.operator.refer(own, ask_definition=False).kernel
        if stage.recipe.name == "BBoxBatchIOU" and own.inputs["a"].dtype == own.inputs["b"].dtype:
            with np.errstate(all="ignore"):
                outputs = (np.divide(*intersection_and_union(own)),)
            if not np.isfinite(outputs[0]).all():  # which a difference of this stage has told
                return
        for result, output in zip(stage.results, outputs, strict=True):
            # Blocks give whole numbers as floats: matches in the dtype of the IoUs.
            dtype = {"matches": "ious", "samples": ""}.get(result)
            if dtype is not None:
                output = output.astype(values[dtype].dtype if dtype else np.float32)
            values[result] = output


UNIT = [[[0, 0, 1, 1]]]
APART = [[[2, 2, 3, 3]]]

# No anchor overlaps the object, and all are matched with it.
RPN = witness(anchors=UNIT, boxes=APART, labels=[[0]])
SSD = witness(anchors=UNIT, boxes=APART, labels=[[0]], logits=np.zeros((1, 1, 4)))
CENTERNET = witness(
    heatmap=np.zeros((1, 3, 3, 3)),
    wh=np.zeros((1, 2, 3, 3)),
    reg=np.zeros((1, 2, 3, 3)),
    boxes=[[[0, 0, 1, 1]]],
)
RPN_2 = witness(anchors=UNIT, boxes=UNIT * 2, labels=[[0], [0]])
SSD_2 = witness(anchors=UNIT, boxes=UNIT * 2, labels=[[0], [0]], logits=np.zeros((2, 1, 4)))
