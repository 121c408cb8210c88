"""The encoder of heat maps: a class that is built with its parameters."""

import numpy as np

Wide = np.longdouble


class CenterHeatmapEncoder:
    def __init__(self, num_class, size, scale=4.0, min_overlap=0.7, ceil=False):
        self.num_class = num_class
        self.size = size if isinstance(size, (tuple, list)) else (size, size)
        self.scale = scale
        self.min_overlap = min_overlap
        self.ceil = ceil

    def __call__(self, boxes, labels):
        boxes, labels = np.asarray(boxes), np.asarray(labels)
        dtype = boxes.dtype if boxes.dtype.kind == "f" else np.dtype(np.float64)
        if boxes.ndim == 2 and labels.ndim == 1:
            return self.encode(boxes.astype(Wide), labels, dtype)
        images = max(len(boxes) if boxes.ndim > 2 else 1, len(labels) if labels.ndim > 1 else 1)
        boxes = np.broadcast_to(boxes, (images, *boxes.shape[-2:])).astype(Wide)
        labels = np.broadcast_to(labels, (images, labels.shape[-1]))
        maps = self.empty(dtype, (images,))
        for image in range(images):
            found = self.encode(boxes[image], labels[image], dtype)
            for whole, part in zip(maps, found, strict=True):
                whole[image] = part
        return maps

    def empty(self, dtype, batch=()):
        shapes = (self.num_class, *self.size), (2, *self.size), (2, *self.size), self.size
        return tuple(np.zeros((*batch, *shape), dtype) for shape in shapes)

    def encode(self, boxes, labels, dtype):
        heat, wh, reg, mask = self.empty(dtype)
        computing = np.result_type(dtype, np.float32)
        scale, overlap = Wide(computing.type(self.scale)), Wide(computing.type(self.min_overlap))
        rows, columns = np.arange(self.size[0])[:, None], np.arange(self.size[1])
        for (xmin, ymin, xmax, ymax), label in zip(boxes, labels, strict=True):
            width, height = (xmax - xmin) / scale, (ymax - ymin) / scale
            if not (width > 0 and height > 0):
                continue
            cx, cy = (xmin + xmax) / 2 / scale, (ymin + ymax) / 2 / scale
            x, y = np.floor(cx), np.floor(cy)
            if not (0 <= x < self.size[1] and 0 <= y < self.size[0]):
                continue
            radius = self.radius(width, height, overlap)
            dx, dy = columns - x, rows - y
            sigma = (2 * radius + 1) / 6
            peak = np.exp(-(dx**2 + dy**2) / (2 * sigma**2))
            peak = np.where((np.abs(dx) <= radius) & (np.abs(dy) <= radius), peak, 0)
            own = heat[int(label)]
            np.maximum(own, peak.astype(dtype), out=own)
            row, column = int(y), int(x)
            if not mask[row, column]:
                wh[:, row, column] = width, height
                reg[:, row, column] = cx - x, cy - y
                mask[row, column] = 1
        return heat, wh, reg, mask

    def radius(self, width, height, overlap):
        if self.ceil:
            width, height = np.ceil(width), np.ceil(height)
        around, area = width + height, width * height
        root = np.sqrt(around**2 - 4 * area * (1 - overlap) / (1 + overlap))
        one_way = 2 * area * (1 - overlap) / (1 + overlap) / (around + root)
        root = np.sqrt(around**2 - 4 * area * (1 - overlap))
        inwards = area * (1 - overlap) / (around + root)
        root = np.sqrt(around**2 + 4 * area * (1 - overlap) / overlap)
        outwards = area * (1 - overlap) / overlap / (around + root)
        return max(0, np.floor(min(one_way, inwards, outwards)))
