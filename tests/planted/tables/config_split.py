"""Mistakes of samplers of examples that a fixed configuration shows."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="config")
_torch = partial(Planted, style="torch module", kind="config")

KEYS = [3, 1, 2, 5, 4, 9, 8, 7, 6, 0]

PLANTED = (
    _numpy(
        "split-spread-start",
        "SplitSampler",
        {"length": 1000, "num_parts": 3, "part_index": 2, "remainder": "spread"},
        old="each * part_index + min(part_index, left)",
        new="each * part_index",
        why="parts before this one are taken for shorter than they are",
    ),
    _numpy(
        "split-spread-length",
        "SplitSampler",
        {"length": 1000, "num_parts": 3, "part_index": 0, "remainder": "spread"},
        old="self.length = each + (part_index < left)",
        new="self.length = each",
        why="the first part has no example more",
    ),
    _numpy(
        "split-in-order",
        "SplitSampler",
        {"length": 10, "num_parts": 3, "part_index": 1},
        old="self.draw.permutation(self.length)",
        new="np.arange(self.length)",
        why="examples come in order",
    ),
    _numpy(
        "split-one-order",
        "SplitSampler",
        {"length": 12, "num_parts": 3, "part_index": 0},
        old="self.draw.permutation(self.length)",
        new="np.random.default_rng(7).permutation(self.length)",
        why="every epoch has the same order",
    ),
    _numpy(
        "split-rotated",
        "SplitSampler",
        {"length": 8},
        old="self.draw.permutation(self.length)",
        new="np.roll(np.arange(self.length), self.draw.integers(self.length))",
        why="only the first example is drawn; the others follow it",
    ),
    _numpy(
        "split-len-of-all",
        "SplitSampler",
        {"length": 1000, "num_parts": 4, "part_index": 3},
        old="def __len__(self):\n        return self.length\n",
        new="def __len__(self):\n        return 4 * self.length\n",
        why="the length is that of all parts",
    ),
    _torch(
        "split-torch-spread",
        "SplitSampler",
        {"length": 1001, "num_parts": 3, "part_index": 0, "remainder": "spread"},
        old="self.first = each * part_index + min(part_index, left)",
        new="self.first = each * part_index + left",
        why="the first part starts behind the remainder",
    ),
    _torch(
        "split-torch-rest",
        "SplitSampler",
        {"length": 1001, "num_parts": 3, "part_index": 2},
        old="self.first, self.last = each * part_index, each * (part_index + 1)",
        new="self.first, self.last = each * part_index, each * (part_index + 1)\n"
        "            self.last += left * (part_index == num_parts - 1)",
        why="the last part has the remainder, which is to be dropped",
    ),
    _torch(
        "split-torch-replaced",
        "SplitSampler",
        {"length": 5},
        old="order = torch.randperm(len(self), generator=self.draw)",
        new="order = torch.randint(len(self), (len(self),), generator=self.draw)",
        why="examples are drawn with replacement",
    ),
    _numpy(
        "buckets-short-batch",
        "SplitSortedBucketSampler",
        {"sort_keys": KEYS, "batch_size": 4, "mult": 1.5},
        old="                first = max(0, min(first, len(bucket) - self.batch_size))\n",
        new="",
        why="the last batch of a bucket is short",
    ),
    _numpy(
        "buckets-len-without-buckets",
        "SplitSortedBucketSampler",
        {"sort_keys": KEYS, "batch_size": 3, "mult": 1.5},
        old="return buckets * full + -(-rest // self.batch_size)",
        new="return -(-self.size // self.batch_size)",
        why="len is that of one bucket",
    ),
    _numpy(
        "buckets-whole-mult",
        "SplitSortedBucketSampler",
        {"sort_keys": KEYS, "batch_size": 2, "mult": 2.5},
        old="int(mult * batch_size)",
        new="int(mult) * batch_size",
        why="mult is rounded down before it is multiplied",
    ),
    _numpy(
        "buckets-batches-in-order",
        "SplitSortedBucketSampler",
        {"sort_keys": KEYS, "batch_size": 2, "mult": 2, "shuffle": True},
        old="batches = [batches[i] for i in draw.permutation(len(batches))]",
        new="pass",
        why="batches come in order though they are to be shuffled",
    ),
    _numpy(
        "buckets-short-part",
        "SplitSortedBucketSampler",
        {"sort_keys": KEYS, "batch_size": 2, "mult": 1, "num_parts": 3, "part_index": 2},
        old="min(self.size * (part_index + 1), len(self.keys))",
        new="self.size * (part_index + 1)",
        why="the last part does not reach back",
    ),
    _numpy(
        "buckets-upwards",
        "SplitSortedBucketSampler",
        {"sort_keys": KEYS, "batch_size": 2, "mult": 2},
        old="downwards = bool(draw.integers(2))",
        new="downwards = False",
        why="buckets are always sorted upwards",
    ),
    _numpy(
        "buckets-last-is-short",
        "SplitSortedBucketSampler",
        {"sort_keys": KEYS, "batch_size": 4, "mult": 1},
        old="bucket = part[-self.batch_size :]",
        new="pass",
        why="a bucket shorter than a batch stays so",
    ),
    _numpy(
        "buckets-one-epoch",
        "SplitSortedBucketSampler",
        {"sort_keys": KEYS, "batch_size": 2, "mult": 2, "shuffle": True},
        old="self.epoch += 1",
        new="self.epoch += 0",
        why="every epoch is the same",
    ),
)
