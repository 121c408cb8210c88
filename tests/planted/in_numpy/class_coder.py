"""Coders of classes and heat maps: functions of arrays and keywords."""

import numpy as np


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def target_dtype(labels):
    return labels.dtype if labels.dtype.kind == "f" else np.dtype(np.int64)


def MultiClassEncoder(samples, matches, refs, ignore_label=-1):
    samples, matches, refs = (np.asarray(x) for x in (samples, matches, refs))
    dtype = target_dtype(refs)
    batched = samples.ndim > 1 or matches.ndim > 1 or refs.ndim > 1
    samples, matches, refs = np.atleast_2d(samples, matches, refs)
    own = np.where(samples > 0.5, matches, 0).astype(np.int64)
    # One label more, so that there is always one to look at.
    labels = np.take_along_axis(np.pad(refs, [(0, 0), (0, 1)]).astype(np.float64), own, 1)
    targets = np.where(samples < -0.5, 0, ignore_label)
    targets = np.where(samples > 0.5, labels + 1, targets).astype(dtype)
    return targets if batched else targets[0]


def SigmoidClassEncoder(samples):
    samples = np.asarray(samples)
    dtype = target_dtype(samples)
    positive, negative = samples > 0.5, samples < -0.5
    targets = np.where(positive, 1, np.where(negative, 0, -1))
    return targets.astype(dtype), (positive | negative).astype(dtype)


def MultiClassDecoder(x, axis=-1, thresh=0.01):
    x = real(x)
    thresh = x.dtype.type(thresh)
    foreground = np.moveaxis(x, axis, -1)[..., 1:]
    ids, scores = foreground.argmax(-1), foreground.max(-1)
    counts = scores > thresh
    return np.where(counts, ids, -1), np.where(counts, scores, x.dtype.type(0))


def MultiPerClassDecoder(x, num_class, axis=-1, thresh=0.01):
    x = real(x)
    thresh = x.dtype.type(thresh)
    scores = np.moveaxis(x, axis, -1)[..., 1:]
    ids = np.broadcast_to(np.arange(num_class - 1), scores.shape)
    counts = scores > thresh
    ids, scores = np.where(counts, ids, -1), np.where(counts, scores, x.dtype.type(0))
    return np.moveaxis(ids, -1, axis), np.moveaxis(scores, -1, axis)


def CenterNetDecoder(x, wh, reg, topk=100, scale=4.0):
    if np.ndim(x) == 3:
        return tuple(
            part[0] for part in CenterNetDecoder(x[None], wh[None], reg[None], topk, scale)
        )
    x, wh, reg = real(x), real(wh), real(reg)
    dtype = np.result_type(x, wh, reg)
    computing = np.result_type(dtype, np.float32)
    batch, _, height, width = x.shape
    flat = x.reshape(batch, -1)
    index = np.argsort(-flat, axis=1, kind="stable")[:, :topk]
    scores = np.take_along_axis(flat, index, 1)
    ids, place = np.divmod(index, height * width)
    y, x = np.divmod(place, width)
    image = np.arange(batch)[:, None]
    middle = np.stack([x, y], -1).astype(computing) + reg.astype(computing)[image, :, y, x]
    half = wh.astype(computing)[image, :, y, x] * 0.5
    boxes = np.concatenate([middle - half, middle + half], -1) * computing.type(scale)
    return ids, scores.astype(dtype), boxes.astype(dtype)
