"""The mistakes, by what shows them."""

from tests.planted.tables import (
    config_bbox,
    config_class_coder,
    config_coder,
    config_matcher,
    config_sampler,
    config_split,
    integers,
    neighbours,
    size,
    today_coders,
    today_costs,
    today_matchers,
    today_more_boxes,
    today_more_matchers,
    today_overlaps,
    today_selection,
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
    *today_overlaps.PLANTED,
    *today_matchers.PLANTED,
    *today_selection.PLANTED,
    *today_coders.PLANTED,
    *today_costs.PLANTED,
    *today_more_matchers.PLANTED,
    *today_more_boxes.PLANTED,
)
