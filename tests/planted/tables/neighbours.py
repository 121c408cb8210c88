"""Mistakes by which what an image gets depends on the others of its batch."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="neighbours")
_module = partial(Planted, style="torch module", kind="neighbours")
_function = partial(Planted, style="torch function", kind="neighbours")

QUARTERS = {
    "num_sample": 8,
    "pos_thresh": 0.5,
    "neg_thresh_high": 0.5,
    "pos_ratio": 0.25,
    "neg_ratio": 0.25,
}

PLANTED = (
    _numpy(
        "batch-ohem-mean-quota",
        "OHEMSampler",
        {"ratio": 3},
        old="positives = (matches[image] >= 0).sum()",
        new="positives = (matches >= 0).sum() / max(1, matches.size // matches.shape[-1])",
        why="the quota is that of the batch's mean number of positives",
    ),
    _function(
        "batch-ohem-largest-quota",
        "OHEMSampler",
        {"ratio": 3},
        old="eligible & (rank < quota)",
        new="eligible & (rank < (quota.max() if quota.numel() else quota))",
        why="the quota is the batch's largest",
    ),
    _module(
        "batch-ohem-one-maximum",
        "OHEMSampler",
        {"ratio": 3},
        old="top = logits[..., 1:].amax(-1, keepdim=True)",
        new="top = logits[..., 1:].amax(-1, keepdim=True)\n"
        "        top = top.amax() + top * 0 if top.numel() else top",
        why="softmax is made stable by the largest logit of the batch: lower images vanish",
    ),
    _numpy(
        "batch-iou-first-anchors",
        "BBoxBatchIOU",
        {},
        old="low = np.maximum(a[..., :, None, :2]",
        new="a = np.repeat(a[:1], len(a), 0) if a.ndim == 3 else a\n"
        "    low = np.maximum(a[..., :, None, :2]",
        why="the first image's anchors stand for all",
    ),
    _function(
        "batch-encoder-first-anchors",
        "NormalizedBoxCenterEncoder",
        {},
        old="a, a_sides = center(anchors.to(computing))",
        new="a, a_sides = center(anchors[:1].to(computing))",
        why="the first image's anchors stand for all",
    ),
    _module(
        "batch-encoder-first-truths",
        "NormalizedBoxCenterEncoder",
        {},
        old="refs.to(computing)[image, own]",
        new="refs.to(computing)[image * 0, own]",
        why="the first image's ground truth stands for all",
    ),
    _module(
        "batch-decoder-first-anchors",
        "NormalizedBoxCenterDecoder",
        {},
        old="x, anchors = x.to(computing), anchors.to(computing)",
        new="x, anchors = x.to(computing), anchors.to(computing)\n"
        "        anchors = anchors[:1] if anchors.dim() == 3 else anchors",
        why="the first image's anchors stand for all",
    ),
    _function(
        "batch-quota-carried-over",
        "QuotaSampler",
        QUARTERS,
        old="quota = max(max_neg, num_sample - kept)",
        new="quota = max_neg = max(max_neg, num_sample - kept)",
        why="an image with few positives leaves its quota of negatives to those after it",
    ),
    _module(
        "batch-quota-first-count",
        "QuotaSampler",
        QUARTERS,
        old="kept = positive.sum(1, keepdim=True).clamp",
        new="kept = positive.sum(1, keepdim=True)[:1].clamp",
        why="negatives fill up what the first image leaves",
    ),
    _numpy(
        "batch-quota-draws-by-size",
        "QuotaSampler",
        QUARTERS,
        old="np.random.default_rng([seed, i])",
        new="np.random.default_rng([seed, len(matches) - i])",
        why="what an image draws depends on the size of the batch",
    ),
    _numpy(
        "batch-quota-draws-on",
        "QuotaSampler",
        QUARTERS,
        old="for i, image in enumerate(np.ndindex(matches.shape[:-1])):\n"
        "            draw = np.random.default_rng([seed, i])",
        new="draw = np.random.default_rng(seed)\n"
        "        for image in np.ndindex(matches.shape[:-1]):",
        why="what an image draws depends on how many candidates those before it have",
    ),
    _module(
        "batch-bipartite-ends-together",
        "BipartiteMatcher",
        {"share_max": False},
        old="if not found.any():",
        new="if not found.all():",
        why="when one image is done, all are",
    ),
    _numpy(
        "batch-classes-first-labels",
        "MultiClassEncoder",
        {},
        old="np.pad(refs, [(0, 0), (0, 1)]).astype(np.float64), own, 1)",
        new="np.pad(refs, [(0, 0), (0, 1)])[:1].repeat(len(refs), 0).astype(np.float64), own, 1)",
        why="the first image's labels stand for all",
    ),
    _function(
        "batch-heat-first-shifts",
        "CenterNetDecoder",
        {"topk": 10},
        old="shift = reg.to(computing).flatten(2)",
        new="shift = reg[:1].expand_as(reg).to(computing).flatten(2)",
        why="the first image's shifts stand for all",
    ),
    _numpy(
        "batch-heat-ranks-together",
        "CenterNetDecoder",
        {"topk": 10},
        old='index = np.argsort(-flat, axis=1, kind="stable")[:, :topk]',
        new="best = flat.max(0, initial=-np.inf, keepdims=True).repeat(batch, 0)\n"
        '    index = np.argsort(-best, axis=1, kind="stable")[:, :topk]',
        why="the batch's best cells stand for those of each image",
    ),
    _function(
        "batch-best-class-relative",
        "MultiClassDecoder",
        {"thresh": 0.05},
        old="counts = scores > torch.tensor(thresh, dtype=x.dtype)\n"
        "    return torch.where(counts, ids, -1), scores.where(counts, torch.zeros_like(scores))",
        new="counts = scores > torch.tensor(thresh, dtype=x.dtype)\n"
        "    if scores.numel():\n        counts &= scores > 1e-3 * scores.max()\n"
        "    return torch.where(counts, ids, -1), scores.where(counts, torch.zeros_like(scores))",
        why="a score counts only if it is no thousandth of the batch's best",
    ),
    _function(
        "batch-max-scaled",
        "MaximumMatcher",
        {"threshold": 0.5},
        old="torch.where(best >= torch.tensor(threshold, dtype=x.dtype), match, -1)",
        new="torch.where(best / best.abs().max().clamp(min=1) >= "
        "torch.tensor(threshold, dtype=x.dtype), match, -1)",
        why="scores are divided by the batch's largest, if that is over 1",
    ),
)
