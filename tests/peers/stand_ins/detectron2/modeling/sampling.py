"""A random sample of positives and negatives (Ren et al. 2015, section 3.1.3)."""

import torch


def subsample_labels(labels, num_samples, positive_fraction, bg_label):
    """Return the indices of sampled positives and negatives.

    There are ``min(#positive, int(positive_fraction * num_samples))`` positives, and negatives
    fill the sample. Labels of -1 are in neither, ``bg_label`` is that of negatives.
    """
    positive = torch.nonzero((labels != -1) & (labels != bg_label)).flatten()
    negative = torch.nonzero(labels == bg_label).flatten()
    positive = _some(positive, int(positive_fraction * num_samples))
    return positive, _some(negative, num_samples - len(positive))


def _some(indices, count):
    order = torch.randperm(len(indices), device=indices.device)
    return indices[order[:count]]
