"""The line finder: runs RapidOCR over a picture, a long one in parts (text detection, recognition).

The networks are named by their place in the wheel. Asked for by their kind, RapidOCR would look
for newer ones and fetch what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rapidocr
from PIL import Image
from rapidocr import RapidOCR
from rapidocr.utils.process_img import map_boxes_to_original

from imgapp.adapters.imaging.long_pictures import MODEL_SIDE, OVERLAP, STEP
from imgapp.adapters.reading.lines import FoundLine

_FOLDER = Path(rapidocr.__file__).parent / "models"
DETECTOR = _FOLDER / "PP-OCRv6_det_small.onnx"
RECOGNISER = _FOLDER / "PP-OCRv6_rec_small.onnx"
TURNER = _FOLDER / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"
"""Tells which way up a line is."""

_LOOKED_AT = 736
"""The long side, in pixels, in which lines are looked for. They are read in the whole copy."""
_SMALLEST = 16
"""Pixels of the short side: less holds no line."""
_MOST_CANDIDATES = 300
_SETTINGS: dict[str, Any] = {
    "Global.log_level": "critical",
    "Det.model_path": str(DETECTOR),
    "Det.limit_type": "max",
    "Det.limit_side_len": _LOOKED_AT,
    "Det.max_candidates": _MOST_CANDIDATES,
    "Rec.model_path": str(RECOGNISER),
    "Cls.model_path": str(TURNER),
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


class LineFinder:
    """Loaded once for a process: the networks take half a second."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._engine = RapidOCR(params=_SETTINGS)

    def find(self, image: Image.Image) -> list[FoundLine]:
        """All that looks written in an RGB picture, in the order in which it is read."""
        if min(image.size) < _SMALLEST:
            return []
        whole = image.width * image.height
        upright = image.height >= image.width
        found = []
        for start, end, part in _parts(image, upright=upright):
            for text, score, corners in self._lines_of(part):
                # What lies across a cut is seen whole on one side of it: the parts overlap.
                middle = float(corners[:, 1 if upright else 0].mean())
                if start <= middle < end:
                    share, proportion = _area(corners) / whole, _proportion(corners)
                    found.append(FoundLine(text, score, share, proportion))
        return found

    def _lines_of(self, part: Image.Image) -> Iterator[tuple[str, float, Any]]:
        # Step by step: the whole leaves out what nothing could be made of, and that tells the most.
        pixels = np.ascontiguousarray(np.asarray(part)[:, :, ::-1])
        prepared, how = self._engine.preprocess_img(pixels)
        detected, _, read, _ = self._engine.run_ocr_steps(prepared, how)
        if detected.boxes is None or read.txts is None:
            return
        boxes = map_boxes_to_original(detected.boxes, how, part.height, part.width)
        for text, score, box in zip(read.txts, read.scores, boxes, strict=True):
            yield str(text), float(score), np.asarray(box, dtype=float)


def _parts(image: Image.Image, *, upright: bool) -> Iterator[tuple[float, float, Image.Image]]:
    """Pieces along the long side, with where in each of them lines are its own."""
    long = max(image.size)
    starts = range(0, max(long - OVERLAP, 1), STEP)
    for start in starts:
        size = min(MODEL_SIDE, long - start)
        last = start == starts[-1]
        box = (
            (0, start, image.width, start + size)
            if upright
            else (start, 0, start + size, image.height)
        )
        own = (
            OVERLAP / 2 if start else float("-inf"),
            float("inf") if last else size - OVERLAP / 2,
        )
        yield (*own, image.crop(box))


def _proportion(corners: Any) -> float:
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    return float(sides.max() / max(sides.min(), 1.0))


def _area(corners: Any) -> float:
    """Of a quadrilateral, in pixels (the shoelace formula)."""
    x, y = corners[:, 0], corners[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
