"""Where pycocotools 2.0 differs, as ``refkernels check pycocotools`` found."""

from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.covering import covered_area_leaves_reals
from refkernels.conformance.peers.pycocotools.conditions import columns_are_read_as_rows

__all__ = ["DIVERGENCES"]

DIVERGENCES = (
    *(
        Divergence(
            f"PC-{number:03}",
            operator,
            "boxes whose columns lie one after the other, as in Fortran or in a transposed table, "
            "are read as if their rows did: they are other boxes then",
            columns_are_read_as_rows,
            witness(a=[[0, 0, 1, 1], [0, 0, 1, 1]], b=[[0, 0, 1, 1]]),
            modes=("strided",),
            authority="its documentation, which takes boxes as an array",
        )
        for number, operator in ((1, "BBoxBatchIOU"), (2, "BBoxBatchIOA"))
    ),
    Divergence(
        "PC-003",
        "BBoxBatchIOA",
        "an area that is infinite in double precision, or nothing where sides are not, is divided "
        "by itself: the share of a box that is covered by an equal one is not a number",
        covered_area_leaves_reals,
        witness(a=[[0, 0, 2**520, 2**520]], b=[[0, 0, 2**520, 2**520]]),
        "float64",
    ),
)
