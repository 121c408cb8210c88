"""The mistakes, by what shows them."""

from tests.planted.tables import (
    assigner_matchers,
    config_bbox,
    config_class_coder,
    config_coder,
    config_matcher,
    config_sampler,
    config_split,
    costs,
    integers,
    neighbours,
    overlaps,
    point_coders,
    scale_boxes,
    scale_matchers,
    selection,
    size,
    torch,
)

__all__ = ["PLANTED"]

PLANTED = (
    *config_bbox.PLANTED,
    *config_matcher.PLANTED,
    *config_sampler.PLANTED,
    *config_split.PLANTED,
    *config_coder.PLANTED,
    *config_class_coder.PLANTED,
    *integers.PLANTED,
    *size.PLANTED,
    *neighbours.PLANTED,
    *torch.PLANTED,
    *overlaps.PLANTED,
    *assigner_matchers.PLANTED,
    *selection.PLANTED,
    *point_coders.PLANTED,
    *costs.PLANTED,
    *scale_matchers.PLANTED,
    *scale_boxes.PLANTED,
)
