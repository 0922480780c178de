"""Writes augment.safetensors: colour operations and views by torchvision's float-tensor functions.

The file holds inputs, parameters and outputs; the C++ tests replay it.
Needs torchvision 0.14 (Debian: python3-torch python3-torchvision).
Usage: /usr/bin/python3 tests/golden/make_augment.py
"""

import itertools
import json
import pathlib
import struct

import numpy as np
import torch
import torchvision.transforms.functional as F

DTYPES = {np.dtype("float32"): "F32", np.dtype("int64"): "I64", np.dtype("uint8"): "U8"}
NORMALIZATIONS = {
    1: ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    2: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
OPERATIONS = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)


def write_safetensors(path, tensors):
    # Widest type first keeps every tensor aligned.
    names = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header, offset = {}, 0
    for name in names:
        array = tensors[name]
        header[name] = {
            "dtype": DTYPES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(np.ascontiguousarray(tensors[name]).tobytes() for name in names)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def to_planes(rows):
    """[n, 3] -> [3, n, 1]"""
    return torch.from_numpy(rows).T.unsqueeze(-1).contiguous()


def to_rows(planes):
    """[3, n, 1] -> [n, 3]"""
    return planes.squeeze(-1).T.contiguous().numpy()


def edge_pixels(rng):
    """Black, white, greys, pure and mixed colours, ties between channels, nearly grey, random."""
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
    greys = np.repeat(np.array([1 / 255, 0.25, 0.5, 254 / 255])[:, None], 3, axis=1)
    ties = np.array([p for v in (0.2, 0.7) for p in itertools.product((v, 0.5), repeat=3)])
    nearly_grey = 0.5 + np.array([(1e-7, 0, 0), (0, 1e-7, 0), (0, 0, 1e-7), (1e-4, 0, -1e-4)])
    dark = np.array([(1 / 255, 0, 0), (0, 1 / 255, 1 / 255), (1e-6, 2e-6, 0), (0, 1e-6, 2e-6)])
    random = rng.integers(0, 256, (40, 3)) / 255
    return np.concatenate([corners, greys, ties, nearly_grey, dark, random]).astype(np.float32)


def color_cases(rng):
    pixels = edge_pixels(rng)
    factors = [0, 0.25, 0.8, 0.999, 1, 1.2, 1.7, 2]
    turns = [-0.5, -1 / 3, -0.1, -1e-4, 0, 0.05, 1 / 6, 0.25, 0.4999, 0.5]
    grey = to_rows(F.rgb_to_grayscale(to_planes(pixels), 3))
    tensors = {"color/pixels": pixels, "color/greyscale": grey}
    for name, operation, values in (
        ("brightness", F.adjust_brightness, factors),
        ("contrast", F.adjust_contrast, factors),
        ("saturation", F.adjust_saturation, factors),
        ("hue", F.adjust_hue, turns),
    ):
        values = np.array(values, np.float32)
        results = [to_rows(operation(to_planes(pixels), float(value))) for value in values]
        tensors[f"color/{name}/factors"] = values
        tensors[f"color/{name}/expected"] = np.stack(results)
    return tensors


def neutral(crop):
    return dict(crop=crop, flip=0, jitter=0, order=(0, 1, 2, 3), factors=(1, 1, 1, 0), grey=0,
                normalization=0)


def drawn(rng, height, width):
    h, w = rng.integers(1, height + 1), rng.integers(1, width + 1)
    top, left = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
    factors = np.append(rng.uniform(0, 2, 3), rng.uniform(-0.5, 0.5)).astype(np.float32)
    return dict(crop=(top, left, h, w), flip=rng.integers(2), jitter=1, order=rng.permutation(4),
                factors=factors, grey=int(rng.random() < 0.2), normalization=rng.integers(3))


def torchvision_view(image, case, side):
    planes = torch.from_numpy(image).permute(2, 0, 1).contiguous().to(torch.float32) / 255
    planes = F.resized_crop(planes, *map(int, case["crop"]), [side, side], antialias=True)
    if case["flip"]:
        planes = F.hflip(planes)
    if case["jitter"]:
        for operation in case["order"]:
            planes = OPERATIONS[operation](planes, float(case["factors"][operation]))
    if case["grey"]:
        planes = F.rgb_to_grayscale(planes, 3)
    if case["normalization"]:
        planes = F.normalize(planes, *NORMALIZATIONS[int(case["normalization"])])
    return planes.permute(1, 2, 0).contiguous().numpy()


def view_group(name, image, side, cases):
    tensors = {}
    for key in ("crop", "flip", "jitter", "order", "factors", "grey", "normalization"):
        dtype = np.float32 if key == "factors" else np.int64
        tensors[f"{name}/{key}"] = np.array([case[key] for case in cases], dtype)
    tensors[f"{name}/image"] = image
    tensors[f"{name}/expected"] = np.stack([torchvision_view(image, case, side) for case in cases])
    return tensors


def main():
    rng = np.random.default_rng(0)
    square = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    odd = rng.integers(0, 256, (17, 40, 3), dtype=np.uint8)
    tensors = color_cases(rng)

    crops = [(0, 0, 32, 32), (5, 7, 12, 12), (0, 31, 1, 1), (31, 0, 1, 32), (0, 3, 32, 1),
             (20, 1, 3, 29), (3, 2, 29, 5)]
    cases = [neutral(crop) for crop in crops] + [neutral((4, 6, 20, 9)) | dict(flip=1)]
    cases += [neutral((1, 2, 25, 28)) | dict(grey=1, normalization=kind) for kind in (1, 2)]
    tensors |= view_group("crop12", square, 12, cases)
    cases = [neutral((0, 0, 17, 40)), neutral((2, 9, 11, 8)) | dict(flip=1)]
    tensors |= view_group("crop32", odd, 32, cases)

    orders = itertools.permutations(range(4))
    cases = [drawn(rng, 17, 40) | dict(order=order) for order in orders]
    tensors |= view_group("orders", odd, 8, cases)
    tensors |= view_group("square32", square, 32, [drawn(rng, 32, 32) for _ in range(3)])
    tensors |= view_group("odd32", odd, 32, [drawn(rng, 17, 40) for _ in range(3)])
    write_safetensors(pathlib.Path(__file__).with_name("augment.safetensors"), tensors)


if __name__ == "__main__":
    main()
