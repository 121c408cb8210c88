"""Samplers of examples: plain iterables."""

import numpy as np


class SplitSampler:
    def __init__(self, length, num_parts=1, part_index=0, remainder="drop", seed=None):
        each, left = divmod(length, num_parts)
        if remainder == "drop":
            left = 0
        self.start = each * part_index + min(part_index, left)
        self.length = each + (part_index < left)
        self.draw = np.random.default_rng(seed)

    def __len__(self):
        return self.length

    def __iter__(self):
        return iter((self.start + self.draw.permutation(self.length)).tolist())


class SplitSortedBucketSampler:
    def __init__(
        self, sort_keys, batch_size, mult=32, num_parts=1, part_index=0, shuffle=False, seed=233
    ):
        self.keys = list(sort_keys)
        self.batch_size = batch_size
        self.size = -(-len(self.keys) // num_parts)
        self.stop = min(self.size * (part_index + 1), len(self.keys))
        self.bucket_size = int(mult * batch_size)
        self.part_index = part_index
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        buckets, rest = divmod(self.size, self.bucket_size)
        full = -(-self.bucket_size // self.batch_size)
        return buckets * full + -(-rest // self.batch_size)

    def __iter__(self):
        order = np.arange(len(self.keys))
        if self.shuffle:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(order)
        draw = np.random.default_rng([self.seed, self.epoch, self.part_index])
        self.epoch += 1
        part = order[self.stop - self.size : self.stop].tolist()
        batches = []
        for begin in range(0, len(part), self.bucket_size):
            bucket = part[begin : begin + self.bucket_size]
            if len(bucket) < self.batch_size:
                bucket = part[-self.batch_size :]
            downwards = bool(draw.integers(2))
            bucket = sorted(bucket, key=self.keys.__getitem__, reverse=downwards)
            for first in range(0, len(bucket), self.batch_size):
                first = max(0, min(first, len(bucket) - self.batch_size))
                batches.append(bucket[first : first + self.batch_size])
        if self.shuffle:
            batches = [batches[i] for i in draw.permutation(len(batches))]
        return iter(batches)
