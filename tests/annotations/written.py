"""Small annotation files and images, for tests."""

import json
import struct
import zlib
from pathlib import Path
from typing import Any

OBJECT = """<object><name>{name}</name><difficult>1</difficult>
<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox>
</object>"""

SIZE = "<size><width>353</width><height>500</height><depth>3</depth></size>"


def voc(folder: Path, stem: str, objects: str, size: str = SIZE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.xml").write_text(f"<annotation>{size}{objects}</annotation>")


def png(path: Path, width: int, height: int) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)


def jpeg(path: Path, width: int, height: int, segments: bytes = b"") -> None:
    comment = b"\xff\xfe" + struct.pack(">H", 2 + 4) + b"\xff\xc0\x00\x00"
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\xff\xd8" + segments + comment + b"\xff" + frame)


def exif(orientation: int, order: str, before: int = 0, cut: int | None = None) -> bytes:
    """The segment that tells an orientation, after so many other tags, whole or cut."""
    tiff = {"<": b"II*\x00", ">": b"MM\x00*"}[order] + struct.pack(order + "IH", 8, before + 1)
    for tag in range(before):
        tiff += struct.pack(order + "HHII", 0x100 + tag, 4, 1, 7)
    tiff += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    content = (b"Exif\x00\x00" + tiff)[:cut]
    return b"\xff\xe1" + struct.pack(">H", 2 + len(content)) + content


def coco(path: Path, *annotations: dict[str, Any], images: Any = (20,), **changes: Any) -> Path:
    """A file whose images are of 640 x 480 pixels, with cats (7) and dogs (9) unless said."""
    content = {
        "images": [{"id": own, "width": 640, "height": 480} for own in images],
        "annotations": [
            {"id": k, "image_id": images[0], "category_id": 7, "bbox": [10, 10, 50, 50], **one}
            for k, one in enumerate(annotations)
        ],
        "categories": [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**content, **changes}))
    return path
