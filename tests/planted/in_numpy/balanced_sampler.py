"""The sampler of positives and negatives in balance: a class that is built with its parameters."""

import numpy as np


class BalancedSampler:
    def __init__(self, num_sample, pos_ratio=0.5):
        self.num_sample = num_sample
        self.pos_ratio = pos_ratio

    def __call__(self, candidates, rng=None):
        candidates = np.asarray(candidates)
        samples = np.zeros(candidates.shape, np.int64)
        seed = np.random.default_rng(rng).integers(2**63)
        for i, image in enumerate(np.ndindex(candidates.shape[:-1])):
            draw = np.random.default_rng([seed, i])
            positives = np.flatnonzero(candidates[image] == 1)
            negatives = np.flatnonzero(candidates[image] == -1)
            max_pos = int(self.pos_ratio * self.num_sample + 1e-9)
            positives = draw.permutation(positives)[:max_pos]
            negatives = draw.permutation(negatives)[: self.num_sample - len(positives)]
            samples[image][positives] = 1
            samples[image][negatives] = -1
        return samples
