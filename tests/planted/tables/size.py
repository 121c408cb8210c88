"""Mistakes that only large arrays show."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="size")
_module = partial(Planted, style="torch module", kind="size")
_function = partial(Planted, style="torch function", kind="size")

SIX = {"num_sample": 6, "pos_thresh": 0.7, "neg_thresh_high": 0.3}
RPN = {"num_sample": 256, "pos_thresh": 0.7, "neg_thresh_high": 0.3}

PLANTED = (
    _numpy(
        "size-max-in-half",
        "MaximumMatcher",
        {"threshold": 0.5},
        old="x.argmax(-1), -1)",
        new="(x.astype(np.float16) if x.shape[-2] > 4096 else x).argmax(-1), -1)",
        why="more than 4096 anchors are compared in float16, which makes ties",
    ),
    _function(
        "size-max-64-columns",
        "MaximumMatcher",
        {"threshold": 0.5},
        old="best, match = x.max(-1)",
        new="x = x[..., :64]\n    best, match = x.max(-1)",
        why="only the first 64 ground truths are looked at",
    ),
    _module(
        "size-max-in-blocks",
        "MaximumMatcher",
        {"threshold": 0.5},
        old="match = first_argmax(x)\n",
        new="match = first_argmax(x)\n        match[..., 1000:] = 0\n",
        why="anchors beyond the first 1000 are matched with ground truth 0",
    ),
    _numpy(
        "size-bipartite-64-rounds",
        "BipartiteMatcher",
        {},
        old="for _ in range(min(left.shape)):",
        new="for _ in range(min(*left.shape, 64)):",
        why="after 64 rounds no more is matched",
    ),
    _module(
        "size-bipartite-9-rounds",
        "BipartiteMatcher",
        {"share_max": False},
        old="for _ in range(min(rows, columns)):",
        new="for _ in range(min(rows, columns, 9)):",
        why="after 9 rounds no more is matched",
    ),
    _function(
        "size-bipartite-16-bits",
        "BipartiteMatcher",
        {"threshold": 0.3},
        old="divmod(int((left == best).flatten().byte().argmax()), x.shape[1])",
        new="divmod(int((left == best).flatten().byte().argmax().short()), x.shape[1])",
        why="a place in a matrix is kept in 16 bits",
    ),
    _numpy(
        "size-quota-1000",
        "QuotaSampler",
        RPN,
        old="samples[draw.permutation(found)[quota:]] = 0",
        new="samples[(draw.permutation(found) if len(found) <= 1000 else found)[quota:]] = 0",
        why="of more than 1000 the first are taken",
    ),
    _module(
        "size-quota-64",
        "QuotaSampler",
        SIX,
        old="rank = lots.masked_fill(~of, lots.shape[1]).argsort(dim=1, stable=True).argsort(1)",
        new="lots = lots if lots.shape[1] <= 64 else torch.arange(lots.shape[1]).expand_as(lots)\n"
        "        rank = lots.masked_fill(~of, lots.shape[1]).argsort(dim=1).argsort(1)",
        why="of more than 64 anchors the first are taken",
    ),
    _function(
        "size-quota-9",
        "QuotaSampler",
        SIX,
        old="order = torch.randperm(len(found), generator=draw)",
        new="order = torch.randperm(len(found), generator=draw)\n"
        "    order = order if len(found) <= 9 else torch.arange(len(found))",
        why="of more than 9 the first are taken",
    ),
    _function(
        "size-quota-window",
        "QuotaSampler",
        {**SIX, "num_sample": 16},
        old="order = torch.randperm(len(found), generator=draw)",
        new="order = torch.randperm(min(len(found), 100), generator=draw)\n"
        "    order = torch.cat([order, torch.arange(len(order), len(found))])",
        why="it draws among the first 100 only",
    ),
    _numpy(
        "size-ohem-64-candidates",
        "OHEMSampler",
        {"ratio": 3},
        old="candidates = np.flatnonzero(eligible[image])",
        new="candidates = np.flatnonzero(eligible[image])[:64]",
        why="only the first 64 candidates are ranked",
    ),
    _module(
        "size-ohem-quota-1000",
        "OHEMSampler",
        {"ratio": 3, "min_samples": 2000},
        old="order[: int(quota)]",
        new="order[: min(int(quota), 1000)]",
        why="there are no more than 1000 negatives",
    ),
    _function(
        "size-ohem-in-half",
        "OHEMSampler",
        {"ratio": 3},
        old="scores = log_odds(real(logits)).masked_fill",
        new="scores = log_odds(real(logits))\n"
        "    scores = scores.half().to(scores.dtype) if matches.shape[-1] > 4096 else scores\n"
        "    scores = scores.masked_fill",
        why="scores of more than 4096 anchors are kept in float16, which makes ties",
    ),
    _numpy(
        "size-split-buffer",
        "SplitSampler",
        {"length": 1000},
        old="iter((self.start + self.draw.permutation(self.length)).tolist())",
        new="iter((self.start + np.concatenate([b + self.draw.permutation(min(64, self.length - b))"
        " for b in range(0, self.length, 64)])).tolist())",
        why="examples are shuffled within 64 that follow each other",
    ),
    _numpy(
        "size-encoder-matches-of-a-byte",
        "NormalizedBoxCenterEncoder",
        {},
        old="own = np.where(positive, matches, 0).astype(np.int64)\n        # One box",
        new="own = np.where(positive, matches, 0).astype(np.uint8)\n        # One box",
        why="matches are kept in a byte, which ends at 255",
    ),
    _numpy(
        "size-per-class-unstable",
        "NormalizedPerClassBoxCenterEncoder",
        {"num_class": 3, "max_pos": 128},
        old='order = np.argsort(~positive, axis=1, kind="stable")',
        new="order = np.argsort(~positive, axis=1)",
        why="the sort is not stable, beyond 16",
    ),
    _function(
        "size-per-class-unstable-torch",
        "NormalizedPerClassBoxCenterEncoder",
        {"num_class": 3, "max_pos": 128},
        old="(~positive).byte().argsort(dim=-1, stable=True)",
        new="(~positive).byte().topk(positive.shape[-1], largest=False).indices",
        why="topk has no order among equals",
    ),
    _numpy(
        "size-best-class-of-a-byte",
        "MultiClassDecoder",
        {"axis": 1, "thresh": 0.05},
        old="ids, scores = foreground.argmax(-1), foreground.max(-1)",
        new="ids, scores = foreground.argmax(-1).astype(np.int8), foreground.max(-1)",
        why="classes are kept in a byte, which ends at 127",
    ),
    _module(
        "size-each-class-of-a-byte",
        "MultiPerClassDecoder",
        {"num_class": 601},
        old="ids = torch.arange(self.num_class - 1, device=x.device)",
        new="ids = torch.arange(self.num_class - 1, device=x.device).byte().long()",
        why="classes are kept in a byte, which ends at 255",
    ),
    _numpy(
        "size-heat-index-in-float32",
        "CenterNetDecoder",
        {"topk": 100},
        old="ids, place = np.divmod(index, height * width)",
        new="ids, place = np.divmod(index.astype(np.float32).astype(int), height * width)",
        why="indices are float32, which cannot count past 16777216",
    ),
    _module(
        "size-heat-index-in-dtype",
        "CenterNetDecoder",
        {"topk": 100},
        old="ids, place = index // (height * width), index % (height * width)",
        new="index = index.to(x.dtype).long().clamp(max=x[0].numel() - 1)\n"
        "        ids, place = index // (height * width), index % (height * width)",
        why="indices have the dtype of the scores, and float16 cannot count past 2048",
    ),
    _function(
        "size-heat-of-16-bits",
        "CenterNetDecoder",
        {"topk": 40},
        old="scores, index = scores[:, :topk], index[:, :topk]",
        new="scores, index = scores[:, :topk], index[:, :topk] % 2**16",
        why="indices are kept in 16 bits",
    ),
    _numpy(
        "size-iou-whole-blocks",
        "BBoxBatchIOU",
        {},
        old="inter = sides[..., 0] * sides[..., 1]",
        new="inter = sides[..., 0] * sides[..., 1]\n"
        "    count = inter.shape[-2]\n"
        "    inter[..., count // 1000 * 1000 if count > 1000 else count :, :] = 0",
        why="anchors are taken by thousands, and the rest is left out",
    ),
    _function(
        "size-iou-in-half",
        "BBoxBatchIOU",
        {},
        old="inter = sides[..., 0] * sides[..., 1]",
        new="sides = sides.half().to(computing) if sides.shape[-3] > 4096 else sides\n"
        "    inter = sides[..., 0] * sides[..., 1]",
        why="with more than 4096 anchors overlaps are kept in float16",
    ),
    _module(
        "size-decoder-block",
        "NormalizedBoxCenterDecoder",
        {},
        old="dx, dy, dw, dh = (x * stds + means).unbind(-1)",
        new="dx, dy, dw, dh = (x * stds + means).unbind(-1)\n"
        "        dw = torch.cat([dw[:, :4096], dh[:, 4096:]], 1) if dw.dim() > 1 else dw",
        why="beyond 4096 anchors the height stands for the width",
    ),
)
