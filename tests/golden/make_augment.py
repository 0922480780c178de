"""Writes augment.safetensors: kernels and whole views by torchvision's float-tensor functions.

The file holds inputs, parameters and outputs; the C++ tests replay it. Where an operation exists for uint8 alone
(AutoAugment's), values are rounded to it and back. Antialiasing is on (antialias=True).
Needs torchvision 0.14 (Debian: python3-torch python3-torchvision).
Usage: /usr/bin/python3 tests/golden/make_augment.py
"""

import contextlib
import itertools
import json
import os
import pathlib
import struct

os.environ.setdefault("ATEN_CPU_CAPABILITY", "default")  # read when torch is loaded; for AutoAugment's rotation

import numpy as np
import torch
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode
from torchvision.transforms.autoaugment import _apply_op

DTYPES = {np.dtype("float32"): "F32", np.dtype("int64"): "I64", np.dtype("uint8"): "U8"}
NORMALIZATIONS = {
    1: ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    2: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
OPERATIONS = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
U8_OPERATIONS = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast",
                 "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize", "Invert")

# A step of a view: its kind, then its parameters.
JITTER, GREYSCALE, BLUR, SOLARIZE, AUTOAUGMENT = range(1, 6)
STEP_WIDTH = 9  # of a row that holds one


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


def image_planes(image, dtype=torch.float32):
    """u8 [h, w, 3] -> [3, h, w] in [0, 1]"""
    return torch.from_numpy(image).permute(2, 0, 1).contiguous().to(dtype) / 255


def image_rows(planes):
    """[3, h, w] -> [h, w, 3]"""
    return planes.permute(1, 2, 0).contiguous().numpy()


def edge_pixels(rng):
    """Black, white, greys, pure and mixed colours, ties between channels, nearly grey, random."""
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
    greys = np.repeat(np.array([1 / 255, 0.25, 0.5, 254 / 255])[:, None], 3, axis=1)
    ties = np.array([p for v in (0.2, 0.7) for p in itertools.product((v, 0.5), repeat=3)])
    nearly_grey = 0.5 + np.array([(1e-7, 0, 0), (0, 1e-7, 0), (0, 0, 1e-7), (1e-4, 0, -1e-4)])
    dark = np.array([(1 / 255, 0, 0), (0, 1 / 255, 1 / 255), (1e-6, 2e-6, 0), (0, 1e-6, 2e-6)])
    random = rng.integers(0, 256, (40, 3)) / 255
    return np.concatenate([corners, greys, ties, nearly_grey, dark, random]).astype(np.float32)


def pixel_cases(rng):
    """Operations on single pixels, over parameters."""
    pixels = edge_pixels(rng)
    factors = [0, 0.25, 0.8, 0.999, 1, 1.2, 1.7, 2]
    turns = [-0.5, -1 / 3, -0.1, -1e-4, 0, 0.05, 1 / 6, 0.25, 0.4999, 0.5]
    noise = rng.normal(0, 0.3, pixels.shape).astype(np.float32)
    noisy = (torch.from_numpy(pixels) + torch.from_numpy(noise)).clamp(0, 1).numpy()
    tensors = {"color/pixels": pixels, "color/greyscale": to_rows(F.rgb_to_grayscale(to_planes(pixels), 3)),
               "color/noise": noise, "color/noisy": noisy}
    for name, operation, values in (
        ("brightness", F.adjust_brightness, factors),
        ("contrast", F.adjust_contrast, factors),
        ("saturation", F.adjust_saturation, factors),
        ("hue", F.adjust_hue, turns),
        ("solarize", F.solarize, [0, 0.25, 0.5, 128 / 255, 0.7, 254 / 255, 1, 1 / 255]),
    ):
        values = np.array(values, np.float32)
        results = [to_rows(operation(to_planes(pixels), float(value))) for value in values]
        tensors[f"color/{name}/factors"] = values
        tensors[f"color/{name}/expected"] = np.stack(results)
    for kind, statistics in NORMALIZATIONS.items():
        tensors[f"color/normalize/{kind}"] = to_rows(F.normalize(to_planes(pixels), *statistics))
    return tensors


def resize_cases(rng):
    """Boxes of one image (top, left, height, width) resized to a square."""
    image = rng.integers(0, 256, (100, 90, 3), dtype=np.uint8)
    cases = [((3, 10, 90, 70), 20), ((40, 30, 60, 60), 3), ((0, 10, 60, 80), 3), ((0, 0, 100, 90), 1),
             ((5, 6, 31, 29), 7), ((7, 7, 13, 13), 13), ((80, 70, 17, 5), 32), ((20, 3, 64, 33), 31),
             ((97, 87, 3, 3), 2), ((99, 89, 1, 1), 5), ((50, 0, 1, 40), 9), ((5, 89, 90, 1), 12),
             ((0, 0, 2, 90), 17), ((0, 0, 94, 70), 40), ((10, 10, 33, 32), 32), ((10, 10, 31, 32), 32)]
    results = [image_rows(F.resized_crop(image_planes(image), *box, [side, side], antialias=True)).ravel()
               for box, side in cases]
    return {"resize/image": image, "resize/boxes": np.array([box for box, _ in cases], np.int64),
            "resize/sides": np.array([side for _, side in cases], np.int64),
            "resize/expected": np.concatenate(results)}


def blur_cases(rng):
    cases = [(side, kernel, sigma) for side, kernel in ((2, 3), (5, 3), (5, 9), (12, 7), (12, 23), (33, 11))
             for sigma in (0.1, 0.6, 2.0)]
    cases += [(32, 3, 0.1), (32, 3, 2.0), (32, 5, 1.0), (32, 23, 0.3), (32, 23, 2.0), (1, 1, 1.0)]
    images = {side: rng.random((side, side, 3), np.float32) for side, _, _ in cases}
    results = [image_rows(F.gaussian_blur(torch.from_numpy(images[side]).permute(2, 0, 1), [kernel] * 2, [sigma] * 2))
               for side, kernel, sigma in cases]
    tensors = {f"blur/image{side}": image for side, image in images.items()}
    return tensors | {"blur/sides": np.array([case[0] for case in cases], np.int64),
                      "blur/kernels": np.array([case[1] for case in cases], np.int64),
                      "blur/sigmas": np.array([case[2] for case in cases], np.float32),
                      "blur/expected": np.concatenate([result.ravel() for result in results])}


def case_of(crop, shift=(0, 0), flip=0, steps=(), normalization=0):
    return dict(crop=crop, shift=shift, flip=flip, steps=steps, normalization=normalization)


def jitter_of(rng, order=None):
    factors = np.append(rng.uniform(0, 2, 3), rng.uniform(-0.5, 0.5))
    return (JITTER, *(rng.permutation(4) if order is None else order), *factors)


def drawn(rng, height, width, order=None):
    h, w = rng.integers(1, height + 1), rng.integers(1, width + 1)
    box = (rng.integers(0, height - h + 1), rng.integers(0, width - w + 1), h, w)
    steps = [jitter_of(rng, order)] + [(GREYSCALE,)] * int(rng.random() < 0.2)
    return case_of(box, flip=rng.integers(2), steps=steps, normalization=rng.integers(3))


class NearTie(Exception):
    """A value so near to where an operation jumps that whoever is off by an ulp could be on the other side."""


def check_distance(distances, least):
    if distances.abs().min() < least:
        raise NearTie


def auto_augmented(planes, count, *steps):
    """(operation, magnitude) each, on values rounded to 8 bits."""
    levels = planes * 255
    check_distance(levels - levels.floor() - 0.5, 5e-4)
    planes = (levels + 0.5).to(torch.uint8)
    for i in range(int(count)):
        planes = _apply_op(planes, U8_OPERATIONS[int(steps[2 * i])], float(steps[2 * i + 1]),
                           InterpolationMode.NEAREST, None)
    return planes.to(torch.float32) / 255


def apply_step(planes, row):
    kind, *values = (float(value) for value in row)
    if kind == JITTER:
        for operation in map(int, values[:4]):
            planes = OPERATIONS[operation](planes, values[4 + operation])
    elif kind == GREYSCALE:
        planes = F.rgb_to_grayscale(planes, 3)
    elif kind == BLUR:
        planes = F.gaussian_blur(planes, [int(values[0])] * 2, [values[1]] * 2)
    elif kind == SOLARIZE:
        check_distance(planes - values[0], 5e-6)
        planes = F.solarize(planes, values[0])
    elif kind == AUTOAUGMENT:
        planes = auto_augmented(planes, *values)
    return planes


def step_rows(steps, count):
    """f32 [count, STEP_WIDTH], zeros after the last step."""
    rows = np.zeros((count, STEP_WIDTH), np.float32)
    for row, step in zip(rows, steps):
        row[:len(step)] = step
    return rows


def torchvision_view(image, case, rows, side, dtype=torch.float32):
    planes = F.resized_crop(image_planes(image, dtype), *map(int, case["crop"]), [side, side], antialias=True)
    top, left = map(int, case["shift"])
    padding = max(abs(top), abs(left))
    planes = F.crop(F.pad(planes, padding), padding + top, padding + left, side, side)
    if case["flip"]:
        planes = F.hflip(planes)
    for row in rows:
        planes = apply_step(planes, row)
    if case["normalization"]:
        planes = F.normalize(planes, *NORMALIZATIONS[int(case["normalization"])])
    return image_rows(planes)


def rows_of(cases):
    """f32 [cases, steps, STEP_WIDTH]"""
    count = max(len(case["steps"]) for case in cases)
    return np.stack([step_rows(case["steps"], count) for case in cases])


def view_group(name, image, side, cases):
    rows = rows_of(cases)
    tensors = {f"{name}/image": image, f"{name}/steps": rows}
    for key in ("crop", "shift", "flip", "normalization"):
        tensors[f"{name}/{key}"] = np.array([case[key] for case in cases], np.int64)
    tensors[f"{name}/expected"] = np.stack(
        [torchvision_view(image, case, case_rows, side) for case, case_rows in zip(cases, rows)])
    return tensors


def formula_image(height, width):
    """A large image that nobody has to store: the test makes it by the same formula."""
    y, x, c = np.ogrid[0:height, 0:width, 0:3]
    return ((y * y * 3 + x * x * 5 + x * y * 2 + c * 7001) // 97 % 256).astype(np.uint8)


def photo_group():
    """Views of 224 x 224 from 375 x 500, of which every 401st value is kept.

    At this size torchvision's f32 weights of a resize are off by 1e-5; hence also what it gives in f64.
    """
    cases = [case_of((0, 0, 375, 500)), case_of((30, 41, 300, 340), flip=1, steps=[(BLUR, 23, 1.7)]),
             case_of((300, 420, 70, 80), steps=[(JITTER, 3, 1, 0, 2, 1.3, 0.6, 1.5, -0.15)], normalization=2)]
    image = formula_image(375, 500)
    tensors = view_group("photo", image, 224, cases)
    exact = [torchvision_view(image, case, rows, 224, torch.float64) for case, rows in zip(cases, rows_of(cases))]
    for name, values in (("expected", tensors["photo/expected"]), ("exact", np.stack(exact))):
        tensors[f"photo/{name}"] = values.reshape(len(cases), -1)[:, ::401].astype(np.float32)
    del tensors["photo/image"]
    return tensors


def pipeline_cases(rng, image, side):
    """Every step at once, in many orders; AutoAugment also between float operations."""
    invert_equalize = (AUTOAUGMENT, 2, U8_OPERATIONS.index("Invert"), 0, U8_OPERATIONS.index("Equalize"), 0)
    turn_color = (AUTOAUGMENT, 2, U8_OPERATIONS.index("Rotate"), 20, U8_OPERATIONS.index("Color"), -0.3)
    move = (AUTOAUGMENT, 1, U8_OPERATIONS.index("TranslateX"), 3)
    nothing = (AUTOAUGMENT, 0)
    cases = []
    orders = list(itertools.permutations(range(5)))[::6]
    while len(cases) < len(orders):
        i, order = len(cases), orders[len(cases)]
        mild = (JITTER, *rng.permutation(4), *rng.uniform(0.6, 1.4, 3), rng.uniform(-0.2, 0.2))
        steps = [mild, (GREYSCALE,), (BLUR, (3, 5, 23)[i % 3], rng.uniform(0.1, 2)),
                 (SOLARIZE, rng.uniform(0.3, 0.8)), (invert_equalize, turn_color, move, nothing)[i % 4]]
        base = drawn(rng, *image.shape[:2])
        case = base | dict(steps=[steps[j] for j in order], shift=rng.integers(-3, 4, 2))
        with contextlib.suppress(NearTie):
            torchvision_view(image, case, step_rows(case["steps"], 5), side)
            cases.append(case)
    return cases


def main():
    rng = np.random.default_rng(0)
    square = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    odd = rng.integers(0, 256, (17, 40, 3), dtype=np.uint8)
    tensors = pixel_cases(rng) | resize_cases(rng) | blur_cases(rng)

    crops = [(0, 0, 32, 32), (5, 7, 12, 12), (0, 31, 1, 1), (31, 0, 1, 32), (0, 3, 32, 1),
             (20, 1, 3, 29), (3, 2, 29, 5)]
    cases = [case_of(crop) for crop in crops] + [case_of((4, 6, 20, 9), flip=1)]
    cases += [case_of((1, 2, 25, 28), steps=[(GREYSCALE,)], normalization=kind) for kind in (1, 2)]
    tensors |= view_group("crop12", square, 12, cases)
    tensors |= view_group("crop32", odd, 32, [case_of((0, 0, 17, 40)), case_of((2, 9, 11, 8), flip=1)])
    shifts = [(4, -4), (-4, 4), (0, 3), (-1, 0), (11, 0), (0, -12), (30, 1)]
    cases = [case_of((0, 0, 17, 40), shift=shift, flip=flip) for shift in shifts for flip in (0, 1)]
    tensors |= view_group("shifted12", odd, 12, cases)

    cases = [drawn(rng, 17, 40, order) for order in itertools.permutations(range(4))]
    tensors |= view_group("orders", odd, 8, cases)
    tensors |= view_group("square32", square, 32, [drawn(rng, 32, 32) for _ in range(3)])
    tensors |= view_group("odd32", odd, 32, [drawn(rng, 17, 40) for _ in range(3)])
    tensors |= view_group("pipelines12", odd, 12, pipeline_cases(rng, odd, 12))
    tensors |= photo_group()
    write_safetensors(pathlib.Path(__file__).with_name("augment.safetensors"), tensors)


if __name__ == "__main__":
    main()
