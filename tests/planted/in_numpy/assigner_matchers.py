"""Matchers of today's detectors: classes that are built with their parameters."""

import numpy as np


def real(x):
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def largest(x, among):
    """Return the first column of each row with its largest value among some, and -1 for none."""
    if not x.shape[-1]:
        return np.full(x.shape[:-1], -1)
    return np.where(among.any(-1), np.where(among, x, -np.inf).argmax(-1), -1)


def each_image(match, *arrays):
    """Return what comes of each image by itself."""
    arrays = np.broadcast_arrays(*arrays)
    matches = np.full(arrays[0].shape[:-1], -1)
    if arrays[0].size:
        for image in np.ndindex(matches.shape[:-1]):
            matches[image] = match(*(x[image] for x in arrays))
    return matches


class ThresholdMatcher:
    def __init__(self, high, low=None, low_quality=None, min_quality=0.0, ties=True, winner="last"):
        self.high = high
        self.low = high if low is None else low
        self.low_quality = low_quality
        self.min_quality = min_quality
        self.ties = ties
        self.winner = winner

    def __call__(self, x):
        x = real(x)
        high, low = x.dtype.type(self.high), x.dtype.type(self.low)
        columns = x.shape[-1]
        if not columns:
            return np.full(x.shape[:-1], -2 if low <= 0 < high else -1)
        own, value = x.argmax(-1), x.max(-1)
        matches = np.where(value >= high, own, np.where(value < low, -1, -2))
        if self.low_quality is None:
            return matches
        top = x.max(-2, keepdims=True, initial=0)
        best = (x == top) & (x > 0) & (x >= x.dtype.type(self.min_quality))
        if not self.ties:
            best &= best.cumsum(-2) == 1
        if self.low_quality == "truth":
            last = columns - 1 - best[..., ::-1].argmax(-1)
            own = last if self.winner == "last" else best.argmax(-1)
        return np.where(best.any(-1), own, matches)


class ATSSMatcher:
    def __init__(self, topk=9, ddof=1):
        self.topk = topk
        self.ddof = ddof

    def __call__(self, ious, distances, inside, levels):
        stops = np.cumsum(np.asarray(levels, int)).tolist()

        def match(ious, distances, inside):
            return self.match(ious, distances, inside, stops)

        return each_image(match, real(ious), real(distances), np.asarray(inside, bool))

    def match(self, ious, distances, inside, stops):
        near = [
            start + np.argsort(distances[start:stop], 0, kind="stable")[: self.topk]
            for start, stop in zip([0, *stops[:-1]], stops, strict=True)
        ]
        near = np.concatenate(near)
        values = np.take_along_axis(ious, near, 0).astype(np.float64)
        # Less the first one, so that the deviation of equal ones is 0.
        apart = values - values[0]
        mean, count = apart.mean(0), len(near)
        deviation = np.zeros_like(mean)
        if count > self.ddof:
            deviation = np.sqrt(((apart - mean) ** 2).sum(0) / (count - self.ddof))
        chosen = np.zeros(ious.shape, bool)
        np.put_along_axis(chosen, near, apart >= mean + deviation, 0)
        return largest(ious, chosen & inside)


class SimOTAMatcher:
    def __init__(self, candidate_topk=10, conflict="all"):
        self.candidate_topk = candidate_topk
        self.conflict = conflict

    def __call__(self, cost, ious, valid=None):
        cost, ious = real(cost), real(ious)
        if valid is None:
            valid = np.ones(cost.shape[:-1], bool)
        return each_image(self.match, cost, ious, np.asarray(valid, bool)[..., None])

    def match(self, cost, ious, valid):
        rows = np.flatnonzero(valid[:, 0])
        matches = np.full(len(cost), -1)
        matches[rows] = self.match_all(cost[rows], ious[rows])
        return matches

    def match_all(self, cost, ious):
        rows, columns = cost.shape
        selected = np.zeros(cost.shape, bool)
        order = np.argsort(cost, 0, kind="stable")
        for column in range(columns):
            highest = np.sort(ious[:, column].astype(np.float64))[::-1][: self.candidate_topk]
            count = int(max(1, min(highest.sum() // 1, rows)))
            selected[order[:count, column], column] = True
        several = selected.sum(1, keepdims=True) > 1
        among = selected | several if self.conflict == "all" else selected
        return largest(-cost, among)


class TaskAlignedMatcher:
    def __init__(self, topk=13, conflict="all", inside_first=True, positive=True):
        self.topk = topk
        self.conflict = conflict
        self.inside_first = inside_first
        self.positive = positive

    def __call__(self, metric, ious, inside):
        return each_image(self.match, real(metric), real(ious), np.asarray(inside, bool))

    def match(self, metric, ious, inside):
        counting = inside & (metric > 0 if self.positive else metric >= 0)
        ranked = np.where(counting, metric, -np.inf) if self.inside_first else metric
        order = np.argsort(-ranked, 0, kind="stable")[: self.topk]
        selected = np.zeros(metric.shape, bool)
        np.put_along_axis(selected, order, True, 0)
        selected &= counting
        several = selected.sum(1, keepdims=True) > 1
        among = selected | (several & inside) if self.conflict == "all" else selected
        return largest(ious, among)


class HungarianMatcher:
    def __call__(self, cost):
        return each_image(self.match, real(cost).astype(np.float64))

    def match(self, cost):
        rows, columns = cost.shape
        if rows > columns:
            matches = np.full(rows, -1)
            truths = self.match(cost.T)
            matches[truths] = np.arange(columns)
            return matches
        # Costs less the prices of both are 0 where matched, and nowhere less.
        row_prices, prices = np.zeros(rows), np.zeros(columns)
        owner = np.full(columns, -1)
        for row in range(rows):
            self.augment(row, cost, row_prices, prices, owner)
        matches = np.full(rows, -1)
        matches[owner[owner >= 0]] = np.flatnonzero(owner >= 0)
        return matches

    def augment(self, first, cost, row_prices, prices, owner):
        """Match one row more, along the cheapest path of rows that give way."""
        paths = np.full(len(prices), np.inf)
        before = np.full(len(prices), -1)
        reached = np.zeros(len(prices), bool)
        row, column, length = first, -1, 0.0
        while row >= 0:
            through = length + cost[row] - row_prices[row] - prices
            shorter = ~reached & (through < paths)
            paths[shorter], before[shorter] = through[shorter], column
            column = np.where(reached, np.inf, paths).argmin()
            length = paths[column]
            reached[column] = True
            row = owner[column]
        spare = length - paths[reached]
        prices[reached] -= spare
        inner = owner[reached] >= 0
        row_prices[owner[reached][inner]] += spare[inner]
        row_prices[first] += length
        while column >= 0:
            previous = before[column]
            owner[column] = first if previous < 0 else owner[previous]
            column = previous


class PointMatcher:
    def __init__(self, radius=None, inclusive=True):
        self.radius = radius
        self.inclusive = inclusive

    def __call__(self, points, boxes, strides, ranges):
        given = [real(x) for x in (points, boxes, strides, ranges)]
        computing = np.result_type(np.float32, *given)
        points, boxes, strides, ranges = (x.astype(computing) for x in given)
        points = points[:, None, :]
        low, high = boxes[..., None, :, :2], boxes[..., None, :, 2:]
        sides = np.concatenate([points - low, high - points], -1)
        counting = (sides > 0).all(-1)
        farthest, (least, most) = sides.max(-1), ranges.T[..., None]
        if self.inclusive:
            counting &= (least <= farthest) & (farthest <= most)
        else:
            counting &= (least < farthest) & (farthest < most)
        # Areas and squares of what a double holds, large or small, are numbers there.
        low, high, points = (x.astype(np.longdouble) for x in (low, high, points))
        if self.radius is not None:
            reach = computing.type(self.radius) * strides[:, None, None].astype(np.longdouble)
            counting &= (np.abs(points - (low + high) / 2) < reach).all(-1)
        area = np.broadcast_to((high - low).prod(-1), counting.shape)
        return largest(-area, counting)
