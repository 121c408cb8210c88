"""Cases of the coders (SPEC sections 4 and 6)."""

from refkernels.conformance.cases.coder import distance, drawn, heatmap

__all__ = ["OPERATORS"]

OPERATORS = (*drawn.OPERATORS, *distance.OPERATORS, *heatmap.OPERATORS)
