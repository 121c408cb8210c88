"""Coders of boxes: classes that are built with their parameters."""

import numpy as np

STDS = (0.1, 0.1, 0.2, 0.2)
MEANS = (0.0, 0.0, 0.0, 0.0)


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def images(x, axes):
    """Give what belongs to one image a batch axis, and say whether it had one."""
    x = np.asarray(x)
    return (x, True) if x.ndim > axes else (x[None], False)


def center(boxes):
    sides = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + sides * 0.5, sides


class NormalizedBoxCenterEncoder:
    def __init__(self, stds=STDS, means=MEANS):
        self.stds = stds
        self.means = means

    def __call__(self, samples, matches, anchors, refs):
        given = ((samples, 1), (matches, 1), (real(anchors), 2), (real(refs), 2))
        arrays, batched = zip(*(images(x, axes) for x, axes in given), strict=True)
        targets, masks = self.encode(*arrays)
        return (targets, masks) if any(batched) else (targets[0], masks[0])

    def encode(self, samples, matches, anchors, refs):
        dtype = np.result_type(anchors, refs)
        computing = np.result_type(dtype, np.float32)
        stds, means = np.array(self.stds, computing), np.array(self.means, computing)
        positive = samples > 0.5
        own = np.where(positive, matches, 0).astype(np.int64)
        # One box more, so that there is always one to look at.
        refs = np.pad(refs.astype(computing), [(0, 0), (0, 1), (0, 0)])
        truths = np.take_along_axis(refs, own[..., None], 1)
        g, g_sides = center(truths)
        a, a_sides = center(anchors.astype(computing))
        codes = np.concatenate([(g - a) / a_sides, np.log(g_sides / a_sides)], -1)
        targets = np.where(positive[..., None], (codes - means) / stds, 0).astype(dtype)
        masks = np.broadcast_to(positive[..., None], targets.shape).astype(dtype)
        return targets, masks


NumPyNormalizedBoxCenterEncoder = NormalizedBoxCenterEncoder


class NormalizedPerClassBoxCenterEncoder:
    def __init__(self, num_class, max_pos=128, per_device_batch_size=1, stds=STDS, means=MEANS):
        self.num_class = num_class
        self.max_pos = max_pos
        self.encoder = NormalizedBoxCenterEncoder(stds, means)

    def __call__(self, samples, matches, anchors, labels, refs):
        given = ((samples, 1), (matches, 1), (real(anchors), 2), (labels, 1), (real(refs), 2))
        arrays, batched = zip(*(images(x, axes) for x, axes in given), strict=True)
        results = self.encode(*arrays)
        return results if any(batched) else tuple(result[0] for result in results)

    def encode(self, samples, matches, anchors, labels, refs):
        targets, masks = self.encoder.encode(samples, matches, anchors, refs)
        positive = samples > 0.5
        order = np.argsort(~positive, axis=1, kind="stable")
        indices = order[:, : self.max_pos]
        own = np.where(positive, matches, 0).astype(np.int64)
        classes = np.take_along_axis(np.pad(labels, [(0, 0), (0, 1)]), own, 1)
        classes = np.take_along_axis(classes, indices, 1)
        targets = np.take_along_axis(targets, indices[..., None], 1)
        masks = np.take_along_axis(masks, indices[..., None], 1)
        is_own = classes[..., None] == np.arange(self.num_class)
        targets = np.repeat(targets[:, :, None], self.num_class, 2)
        return targets, masks[:, :, None] * is_own[..., None].astype(masks.dtype), indices


class NormalizedBoxCenterDecoder:
    def __init__(self, stds=STDS, convert_anchor=False, clip=-1.0, *, means=MEANS):
        self.stds = stds
        self.convert_anchor = convert_anchor
        self.clip = clip
        self.means = means

    def __call__(self, x, anchors):
        x, anchors = real(x), real(anchors)
        dtype = np.result_type(x, anchors)
        computing = np.result_type(dtype, np.float32)
        x, anchors = x.astype(computing), anchors.astype(computing)
        stds, means = np.array(self.stds, computing), np.array(self.means, computing)
        middle, sides = anchors[..., :2], anchors[..., 2:]
        if self.convert_anchor:
            middle, sides = center(anchors)
        offsets = x * stds + means
        growth = offsets[..., 2:]
        if self.clip is not None and self.clip > 0:
            growth = np.minimum(growth, computing.type(self.clip))
        middle = offsets[..., :2] * sides + middle
        half = np.exp(growth) * sides * 0.5
        return np.concatenate([middle - half, middle + half], -1).astype(dtype)
