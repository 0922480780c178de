#!/usr/bin/env python3
"""Writes tests/golden/resize.json: small pictures resized by PIL's BILINEAR, for tests/data/resize_test.cpp.

usage: /usr/bin/python3 tests/golden/make_resize.py     (Debian's python3-pil and python3-numpy)
"""

import json
from pathlib import Path

import numpy
from PIL import Image

# (height, width) of the picture and of the result: down by a little and a lot, by whole and broken
# factors, one direction only, to and from a single pixel, and up.
SIZES = [((37, 53), (16, 22)), ((32, 48), (16, 24)), ((40, 30), (40, 7)), ((9, 70), (4, 31)), ((33, 20), (1, 1)),
         ((1, 1), (3, 2)), ((8, 8), (13, 11)), ((24, 24), (23, 23))]


def main():
    random = numpy.random.default_rng(0)
    cases = []
    for (height, width), (to_height, to_width) in SIZES:
        pixels = random.integers(0, 256, (height, width, 3), dtype=numpy.uint8)
        pixels[: height // 2] = (pixels[: height // 2] > 127) * 255  # the extremes, too
        resized = numpy.asarray(Image.fromarray(pixels).resize((to_width, to_height), Image.Resampling.BILINEAR))
        cases.append({"from": [height, width], "to": [to_height, to_width], "pixels": pixels.tobytes().hex(),
                      "resized": resized.tobytes().hex()})
    path = Path(__file__).with_name("resize.json")
    path.write_text(json.dumps({"made_by": "PIL " + Image.__version__, "cases": cases}, indent=1) + "\n")


if __name__ == "__main__":
    main()
