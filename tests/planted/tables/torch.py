"""Mistakes that PyTorch invites: promotion, ties, layouts, writing in place, float16."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_module = partial(Planted, style="torch module", kind="torch")
_function = partial(Planted, style="torch function", kind="torch")

VOC = {"num_class": 21}

PLANTED = (
    _function(
        "torch-max-in-double",
        "MaximumMatcher",
        {"threshold": 0.7},
        old="best >= torch.tensor(threshold, dtype=x.dtype)",
        new="best.double() >= threshold",
        why="the threshold is not rounded to float32",
    ),
    _module(
        "torch-max-last-of-ties",
        "MaximumMatcher",
        {"threshold": 0.5},
        old="match = first_argmax(x)\n",
        new="match = x.shape[-1] - 1 - x.flip(-1).argmax(-1)\n",
        why="among equals the last wins",
    ),
    _module(
        "torch-max-any-of-ties",
        "MaximumMatcher",
        {"threshold": 0.5},
        old="match = first_argmax(x)\n",
        new="match = x.topk(1).indices[..., 0]\n",
        why="among equals any wins",
    ),
    _function(
        "torch-iou-in-half",
        "BBoxBatchIOU",
        {},
        old="computing = torch.promote_types(dtype, torch.float32)\n    a, b = (corners",
        new="computing = dtype\n    a, b = (corners",
        why="float16 boxes are computed in float16",
    ),
    _module(
        "torch-iou-is-float32",
        "BBoxBatchIOU",
        {},
        old="return ious.masked_fill(inter == 0, 0).to(dtype)",
        new="return ious.masked_fill(inter == 0, 0).float()",
        why="IoUs are float32, whatever the boxes are",
    ),
    _function(
        "torch-area-is-float32",
        "BBoxArea",
        {},
        old="(width.clamp(min=0) * height.clamp(min=0)).to(x.dtype)",
        new="(width.clamp(min=0) * height.clamp(min=0)).float()",
        why="areas are float32, whatever the boxes are",
    ),
    _function(
        "torch-clip-in-place",
        "BBoxClipToImage",
        {},
        old="xmin.clamp(0, width)",
        new="xmin.clamp_(0, width)",
        why="the boxes that come in are clipped",
    ),
    _module(
        "torch-encoder-default-dtype",
        "NormalizedBoxCenterEncoder",
        {"stds": (0.1, 0.1, 0.2, 0.2)},
        old="class NormalizedBoxCenterEncoder(nn.Module):\n"
        "    def __init__(self, stds=STDS, means=MEANS):\n"
        "        super().__init__()\n"
        '        self.register_buffer("stds", torch.tensor(stds, dtype=torch.double))',
        new="class NormalizedBoxCenterEncoder(nn.Module):\n"
        "    def __init__(self, stds=STDS, means=MEANS):\n"
        "        super().__init__()\n"
        '        self.register_buffer("stds", torch.tensor(stds))',
        why="stds are kept in float32",
    ),
    _function(
        "torch-encoder-in-half",
        "NormalizedBoxCenterEncoder",
        {},
        old="return dtype, torch.promote_types(dtype, torch.float32)",
        new="return dtype, dtype",
        why="float16 boxes are computed in float16",
    ),
    _function(
        "torch-decoder-in-half",
        "NormalizedBoxCenterDecoder",
        {},
        old="return dtype, torch.promote_types(dtype, torch.float32)",
        new="return dtype, dtype",
        why="float16 offsets are computed in float16",
    ),
    _module(
        "torch-decoder-in-place",
        "NormalizedBoxCenterDecoder",
        {},
        old="(x * stds + means).unbind(-1)",
        new="x.mul_(stds).add_(means).unbind(-1)",
        why="the offsets that come in are multiplied",
    ),
    _module(
        "torch-decoder-keeps-anchors",
        "NormalizedBoxCenterDecoder",
        {"convert_anchor": True},
        old="ax, ay, aw, ah = center(anchors) if self.convert_anchor else anchors.unbind(-1)",
        new='if getattr(self, "anchors", anchors[:0]).shape != anchors.shape:\n'
        "            self.anchors = anchors\n"
        "        anchors = self.anchors.to(computing)\n"
        "        ax, ay, aw, ah = center(anchors) if self.convert_anchor else anchors.unbind(-1)",
        why="anchors are kept from one call to the next, if as many come",
    ),
    _module(
        "torch-bipartite-view",
        "BipartiteMatcher",
        {},
        old="x = real(x).reshape(-1, *x.shape[-2:])",
        new="x = real(x).view(-1, *x.shape[-2:])",
        why="a tensor of four axes that is not contiguous has no such view",
    ),
    _function(
        "torch-bipartite-in-place",
        "BipartiteMatcher",
        {"threshold": 0.2, "share_max": False},
        old="left = x.masked_fill(~candidates, -torch.inf)",
        new="left, x = x.masked_fill_(~candidates, -torch.inf), x.clone()",
        why="what comes in is overwritten",
    ),
    _function(
        "torch-bipartite-eps-in-double",
        "BipartiteMatcher",
        {"eps": 0.05},
        old="(x + eps >= x.amax(0))",
        new="(x.double() + eps.double() >= x.amax(0).double())",
        why="sums with eps are of double precision",
    ),
    _module(
        "torch-bipartite-eps-in-float32",
        "BipartiteMatcher",
        {"eps": 0.05},
        old="(x + self.eps.to(x.dtype) >= best)",
        new="(x.float() + self.eps.float() >= best)",
        why="sums with eps are float32",
    ),
    _module(
        "torch-heat-topk",
        "CenterNetDecoder",
        {"topk": 100, "scale": 2.0},
        old=".argsort(dim=1, descending=True, stable=True)[:, : self.topk]",
        new=".topk(self.topk).indices",
        why="topk has no order among equals",
    ),
    _module(
        "torch-heat-view",
        "CenterNetDecoder",
        {"topk": 10},
        old="scores = x.reshape(batch, -1).gather(1, index)",
        new="scores = x.view(batch, -1).gather(1, index)",
        why="a tensor that is not contiguous has no such view",
    ),
    _function(
        "torch-heat-as-strided",
        "CenterNetDecoder",
        {"topk": 10},
        old="scores, index = x.flatten(1).sort(dim=1, descending=True, stable=True)",
        new="flat = x.as_strided((len(x), x[0].numel()), (x[0].numel(), 1))\n"
        "    scores, index = flat.sort(dim=1, descending=True, stable=True)",
        why="memory is taken for contiguous",
    ),
    _function(
        "torch-heat-unstable",
        "CenterNetDecoder",
        {"topk": 100},
        old="x.flatten(1).sort(dim=1, descending=True, stable=True)",
        new="x.flatten(1).topk(topk, dim=1)",
        why="topk has no order among equals",
    ),
    _function(
        "torch-ohem-unstable",
        "OHEMSampler",
        {"ratio": 3},
        old="order = scores.argsort(dim=-1, descending=True, stable=True)",
        new="order = scores.topk(scores.shape[-1]).indices",
        why="topk has no order among equals",
    ),
    _module(
        "torch-ohem-softmax",
        "OHEMSampler",
        {"ratio": 3},
        old="return top[..., 0] + odds.log() / 2 - logits[..., 0]",
        new="return -torch.softmax(logits * 2, -1)[..., 0].log()",
        why="a background of probability 0 has an infinite score, as many others have",
    ),
    _function(
        "torch-best-class-flipped",
        "MultiClassDecoder",
        {"thresh": 0.05},
        old="scores, ids = x.max(-1)",
        new="scores, ids = x.flip(-1).max(-1)\n    ids = x.shape[-1] - 1 - ids",
        why="among equals the last wins",
    ),
    _function(
        "torch-each-class-default-dtype",
        "MultiPerClassDecoder",
        VOC,
        old="counts = x > torch.tensor(thresh, dtype=x.dtype)",
        new="counts = x > torch.tensor(thresh)",
        why="the threshold is float32, and so not the 0.01 of float64",
    ),
    _module(
        "torch-each-class-in-place",
        "MultiPerClassDecoder",
        VOC,
        old="scores = x.narrow(axis, 1, self.num_class - 1)",
        new="scores = x.narrow(axis, 1, self.num_class - 1).clamp_(min=0)",
        why="negative scores that come in are set to 0",
    ),
    _function(
        "torch-quota-view",
        "QuotaSampler",
        {"num_sample": 6, "pos_thresh": 0.7, "neg_thresh_high": 0.3},
        old="positive = (matches >= 0) | (largest >= pos)",
        new="positive = (matches.view(-1) >= 0).view(matches.shape) | (largest >= pos)",
        why="matches that are not contiguous have no such view",
    ),
    _module(
        "torch-classes-of-half",
        "MultiClassEncoder",
        {},
        old="own = labels.gather(1, matches.long().masked_fill(samples <= 0.5, 0)) + 1",
        new="own = matches.half().long().masked_fill(samples <= 0.5, 0)\n"
        "        own = labels.gather(1, own.clamp(max=labels.shape[1] - 1)) + 1",
        why="matches are kept in float16, which cannot count past 2048",
    ),
)
