"""Coders: functions of tensors and keywords."""

import torch

STDS = (0.1, 0.1, 0.2, 0.2)
MEANS = (0.0, 0.0, 0.0, 0.0)


def real(x):
    return x if x.is_floating_point() else x.double()


def common(*tensors):
    """Return the dtype of results, and the one that they are computed in."""
    dtype = tensors[0].dtype
    for tensor in tensors[1:]:
        dtype = torch.promote_types(dtype, tensor.dtype)
    return dtype, torch.promote_types(dtype, torch.float32)


def batch_first(*given):
    """Give what belongs to one image a batch axis, and say whether any had one."""
    batched = any(x.dim() > axes for x, axes in given)
    return batched, *(x if x.dim() > axes else x[None] for x, axes in given)


def center(boxes):
    sides = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + sides * 0.5, sides


def encode(samples, matches, anchors, refs, stds, means):
    dtype, computing = common(anchors, refs)
    stds = torch.tensor(stds, dtype=computing, device=refs.device)
    means = torch.tensor(means, dtype=computing, device=refs.device)
    positive = samples > 0.5
    own = torch.where(positive, matches, 0).long()
    # One box more, so that there is always one to look at.
    refs = torch.cat([refs, refs.new_zeros(len(refs), 1, 4)], 1).to(computing)
    truths = refs.gather(1, own[..., None].expand(*own.shape, 4))
    g, g_sides = center(truths)
    a, a_sides = center(anchors.to(computing))
    codes = torch.cat([(g - a) / a_sides, (g_sides / a_sides).log()], -1)
    targets = torch.where(positive[..., None], (codes - means) / stds, 0.0).to(dtype)
    return targets, positive[..., None].expand_as(targets).to(dtype)


def NormalizedBoxCenterEncoder(samples, matches, anchors, refs, stds=STDS, means=MEANS):
    given = (samples, 1), (matches, 1), (real(anchors), 2), (real(refs), 2)
    batched, *tensors = batch_first(*given)
    targets, masks = encode(*tensors, stds, means)
    return (targets, masks) if batched else (targets[0], masks[0])


def NormalizedPerClassBoxCenterEncoder(
    samples,
    matches,
    anchors,
    labels,
    refs,
    num_class,
    max_pos=128,
    per_device_batch_size=1,
    stds=STDS,
    means=MEANS,
):
    given = (samples, 1), (matches, 1), (real(anchors), 2), (labels, 1), (real(refs), 2)
    batched, samples, matches, anchors, labels, refs = batch_first(*given)
    targets, masks = encode(samples, matches, anchors, refs, stds, means)
    positive = samples > 0.5
    indices = (~positive).byte().argsort(dim=-1, stable=True)[:, :max_pos]
    own = torch.where(positive, matches, 0).long().gather(1, indices)
    labels = torch.cat([labels, labels.new_zeros(len(labels), 1)], 1).gather(1, own)
    rows = indices[..., None].expand(*indices.shape, 4)
    is_own = labels[..., None] == torch.arange(num_class, device=labels.device)
    targets = targets.gather(1, rows)[:, :, None].repeat(1, 1, num_class, 1)
    masks = masks.gather(1, rows)[:, :, None] * is_own[..., None]
    results = targets, masks.to(targets.dtype), indices
    return results if batched else tuple(result[0] for result in results)


def NormalizedBoxCenterDecoder(
    x, anchors, stds=STDS, convert_anchor=False, clip=-1.0, *, means=MEANS
):
    x, anchors = real(x), real(anchors)
    dtype, computing = common(x, anchors)
    x, anchors = x.to(computing), anchors.to(computing)
    stds = torch.tensor(stds, dtype=computing, device=x.device)
    means = torch.tensor(means, dtype=computing, device=x.device)
    middle, sides = center(anchors) if convert_anchor else (anchors[..., :2], anchors[..., 2:])
    offsets = x * stds + means
    shift, growth = offsets[..., :2], offsets[..., 2:]
    if clip is not None and clip > 0:
        growth = growth.clamp(max=clip)
    middle = shift * sides + middle
    half = growth.exp() * sides * 0.5
    return torch.cat([middle - half, middle + half], -1).to(dtype)


def target_dtype(labels):
    return labels.dtype if labels.is_floating_point() else torch.long


def MultiClassEncoder(samples, matches, refs, ignore_label=-1):
    dtype = target_dtype(refs)
    batched, samples, matches, refs = batch_first((samples, 1), (matches, 1), (refs, 1))
    positive = samples > 0.5
    own = torch.where(positive, matches, 0).long()
    refs = torch.cat([refs, refs.new_zeros(len(refs), 1)], 1).double().gather(1, own)
    targets = torch.where(samples < -0.5, 0.0, float(ignore_label))
    targets = torch.where(positive, refs + 1, targets).to(dtype)
    return targets if batched else targets[0]


def SigmoidClassEncoder(samples):
    positive, negative = samples > 0.5, samples < -0.5
    targets = torch.where(positive, 1, torch.where(negative, 0, -1))
    dtype = target_dtype(samples)
    return targets.to(dtype), (positive | negative).to(dtype)


def MultiClassDecoder(x, axis=-1, thresh=0.01):
    x = real(x).movedim(axis, -1)[..., 1:]
    scores, ids = x.max(-1)
    counts = scores > torch.tensor(thresh, dtype=x.dtype)
    return torch.where(counts, ids, -1), scores.where(counts, torch.zeros_like(scores))


def MultiPerClassDecoder(x, num_class, axis=-1, thresh=0.01):
    x = real(x).movedim(axis, -1)[..., 1:]
    ids = torch.arange(num_class - 1, device=x.device).expand_as(x)
    counts = x > torch.tensor(thresh, dtype=x.dtype)
    ids, scores = torch.where(counts, ids, -1), x.where(counts, torch.zeros_like(x))
    return ids.movedim(-1, axis), scores.movedim(-1, axis)


def CenterNetDecoder(x, wh, reg, topk=100, scale=4.0):
    batched, x, wh, reg = batch_first((real(x), 3), (real(wh), 3), (real(reg), 3))
    dtype, computing = common(x, wh, reg)
    height, width = x.shape[-2:]
    scores, index = x.flatten(1).sort(dim=1, descending=True, stable=True)
    scores, index = scores[:, :topk], index[:, :topk]
    ids, place = index // (height * width), index % (height * width)
    cells = place[:, None].expand(-1, 2, -1)
    half = wh.to(computing).flatten(2).gather(2, cells) * 0.5
    shift = reg.to(computing).flatten(2).gather(2, cells)
    middle = torch.stack([place % width, place // width], 1).to(computing) + shift
    scale = torch.tensor(scale, dtype=computing)
    boxes = torch.cat([middle - half, middle + half], 1).transpose(1, 2) * scale
    results = ids, scores.to(dtype), boxes.to(dtype)
    return results if batched else tuple(result[0] for result in results)
