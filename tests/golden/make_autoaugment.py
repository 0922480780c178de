"""Writes autoaugment.safetensors: torchvision's AutoAugment, policy CIFAR10, on uint8 tensors.

Every operation over many magnitudes and images (SHA-256 of each result), the bins of magnitudes, the policy,
and what each pair of operations gives. Then prints how much of it comes out otherwise by way of PIL.
--compare writes nothing and counts results unlike the file's, to see what other versions and processors give: shear
and rotation can read from exactly between two pixels, where the result depends on whether the BLAS and PyTorch's
kernels fuse products with sums. The file is made without (ATEN_CPU_CAPABILITY=default, and a BLAS that does not).
Needs torchvision 0.14 and the reference BLAS (Debian: python3-torch python3-torchvision libblas3).
Usage: /usr/bin/python3 tests/golden/make_autoaugment.py [--compare]
"""

import collections
import hashlib
import json
import os
import pathlib
import struct
import sys

os.environ.setdefault("ATEN_CPU_CAPABILITY", "default")  # read when torch is loaded

import numpy as np
import torch
from make_augment import write_safetensors
from torchvision.transforms import AutoAugment, AutoAugmentPolicy, InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import _apply_op

PATH = pathlib.Path(__file__).with_name("autoaugment.safetensors")
OPERATIONS = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast", "Sharpness",
              "Posterize", "Solarize", "AutoContrast", "Equalize", "Invert")
MORE_MAGNITUDES = {
    "Shear": (0.0137, 0.5, 0.77, 1.0, 3.5),
    "Translate": (0.99, 1.0, 3.7, 32.0, 200.0),
    "Rotate": (0.01, 17.3, 45.0, 60.0, 90.0, 123.4, 180.0),
    "Blend": (0.05, 0.3333, 0.77, 1.0),
}
POLICY = AutoAugment(AutoAugmentPolicy.CIFAR10)


def smooth_image(rng, height, width, low, high):
    """A few waves and a little noise: neighbours are alike, as in photographs."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [np.sin(x * a + b) + np.cos(y * c + d) for a, b, c, d in rng.uniform(0.05, 0.6, (3, 4))]
    values = (np.stack(planes, -1) + 2) / 4 * (high - low) + low + rng.normal(0, 2, (height, width, 3))
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def make_images(rng):
    def noise(height, width):
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)

    few_levels = rng.choice(np.array([0, 3, 250], np.uint8), (32, 32, 3), p=(0.9, 0.05, 0.05))
    few_levels[..., 2] = 77
    images = {"noise": noise(32, 32), "smooth": smooth_image(rng, 32, 32, 0, 255),
              "dim": smooth_image(rng, 32, 32, 40, 90), "few_levels": few_levels, "odd": noise(33, 47),
              "large": smooth_image(rng, 96, 96, 10, 240)}
    for height, width in ((1, 1), (1, 7), (5, 1), (2, 9), (3, 3), (8, 8), (9, 8)):
        images[f"{height}x{width}"] = noise(height, width)
    return images


def bins(height, width):
    """f32 [14, 10]; operations without a magnitude have zeros."""
    space = POLICY._augmentation_space(10, (height, width))
    return np.stack([np.broadcast_to(space[name][0].numpy().astype(np.float32), 10) for name in OPERATIONS])


def magnitudes_of(name, height, width):
    own = bins(height, width)[OPERATIONS.index(name)]
    if name in ("AutoContrast", "Equalize", "Invert"):
        return own[:1]
    if name == "Posterize":
        return np.arange(9, dtype=np.float32)
    if name == "Solarize":
        return np.concatenate([own, np.float32([0.5, 1, 127.5, 254.5])])
    kind = next((kind for kind in MORE_MAGNITUDES if name.startswith(kind)), "Blend")
    values = np.unique(np.concatenate([own, np.float32(MORE_MAGNITUDES[kind])]))
    return np.concatenate([-values[values <= 1] if kind == "Blend" else -values, values])


def apply(image, name, magnitude):
    return _apply_op(image, name, float(magnitude), InterpolationMode.NEAREST, None)


def by_tensor(image, steps):
    planes = torch.from_numpy(image).permute(2, 0, 1).contiguous()
    for name, magnitude in steps:
        planes = apply(planes, name, magnitude)
    return planes.permute(1, 2, 0).contiguous().numpy()


def by_pil(image, name, magnitude):
    return np.asarray(apply(F.to_pil_image(image), name, magnitude))


def all_cases(images):
    """image name, operation, magnitude"""
    for image_name, image in images.items():
        for name in OPERATIONS:
            for magnitude in magnitudes_of(name, *image.shape[:2]):
                yield image_name, name, magnitude


def pair_steps(index, height, width):
    """Both operations of a pair, the first with a positive sign, the second with a negative one."""
    space = POLICY._augmentation_space(10, (height, width))
    for (name, _, bin_), sign in zip(POLICY.policies[index], (1.0, -1.0)):
        magnitudes, signed = space[name]
        magnitude = 0.0 if bin_ is None else float(magnitudes[bin_])
        yield name, magnitude * (sign if signed else 1.0)


def make_tensors(images):
    tensors = {f"images/{name}": image for name, image in images.items()}
    for image_name, image in images.items():
        cases = [case for case in all_cases({image_name: image})]
        digests = [hashlib.sha256(by_tensor(image, [case[1:]]).tobytes()).digest() for case in cases]
        tensors[f"steps/{image_name}/ops"] = np.array([OPERATIONS.index(name) for _, name, _ in cases], np.uint8)
        tensors[f"steps/{image_name}/magnitudes"] = np.array([magnitude for *_, magnitude in cases], np.float32)
        tensors[f"steps/{image_name}/sha256"] = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
    for height, width in ((32, 32), (33, 47), (96, 96), (224, 160), (1, 7)):
        tensors[f"bins/{height}x{width}"] = bins(height, width)

    pairs = POLICY.policies
    tensors["policy/ops"] = np.array([[OPERATIONS.index(step[0]) for step in pair] for pair in pairs], np.uint8)
    tensors["policy/probabilities"] = np.array([[step[1] for step in pair] for pair in pairs], np.float32)
    tensors["policy/bins"] = np.array([[step[2] or 0 for step in pair] for pair in pairs], np.int64)
    signed = POLICY._augmentation_space(10, (32, 32))
    tensors["policy/signed"] = np.array([[signed[step[0]][1] for step in pair] for pair in pairs], np.uint8)
    for image_name in ("smooth", "odd"):
        image = images[image_name]
        results = [by_tensor(image, pair_steps(index, *image.shape[:2])) for index in range(len(pairs))]
        tensors[f"pairs/{image_name}"] = np.stack(results)
    return tensors


def read_safetensors(path):
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    return {name: content[8 + length:][slice(*entry["data_offsets"])] for name, entry in header.items()}


def compare(images, tensors):
    """Results that differ from the file's, by operation."""
    stored = read_safetensors(PATH)
    unlike, total = collections.Counter(), collections.Counter()
    for image_name in images:
        ops, digests = tensors[f"steps/{image_name}/ops"], tensors[f"steps/{image_name}/sha256"]
        for i, op in enumerate(ops):
            total[OPERATIONS[op]] += 1
            unlike[OPERATIONS[op]] += digests[i].tobytes() != stored[f"steps/{image_name}/sha256"][32 * i:32 * i + 32]
    for name in OPERATIONS:
        print(f"{name:13} {unlike[name]:3} of {total[name]} results differ")
    for name in (name for name in tensors if name.startswith(("bins/", "pairs/"))):
        if tensors[name].tobytes() != stored[name]:
            print(name, "differs")


def print_pil(images):
    """Bytes that PIL gives otherwise, over the images of at least 32 x 32 pixels."""
    differences = collections.defaultdict(list)
    for image_name, name, magnitude in all_cases({name: image for name, image in images.items() if image.size > 3000}):
        image = images[image_name]
        tensor, pil = by_tensor(image, [(name, magnitude)]), by_pil(image, name, magnitude)
        differences[name].append(np.abs(tensor.astype(int) - pil).ravel())
    for name in OPERATIONS:
        all_of = np.concatenate(differences[name])
        print(f"{name:13} {np.mean(all_of > 0):8.3%} of bytes, up to {all_of.max()} levels, mean {all_of.mean():.4f}")


def main():
    images = make_images(np.random.default_rng(0))
    tensors = make_tensors(images)
    if "--compare" in sys.argv[1:]:
        compare(images, tensors)
        return
    write_safetensors(PATH, tensors)
    print_pil(images)


if __name__ == "__main__":
    main()
