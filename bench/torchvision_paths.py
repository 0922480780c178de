"""How far apart torchvision's two paths are: PIL images, rounded to 8 bits after every operation, and float tensors.

The same parameters go both ways, over synthetic pictures and over those that are given. Prints, in levels of 255, the
largest and the mean difference. With --tests it also runs the golden tests of that folder and prints our own largest
deviation from the float path, as each test records it.
Needs torchvision 0.14 and PIL (Debian: python3-torch python3-torchvision).
Usage: /usr/bin/python3 bench/torchvision_paths.py [--tests build/release/tests] [PICTURE ...]
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image, ImageFilter

JITTER = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
FACTORS = (0.2, 0.6, 0.8, 0.95, 1.05, 1.2, 1.4, 1.8)
TURNS = (-0.2, -0.1, -0.03, 0.03, 0.1, 0.2)
SIGMAS = (0.1, 0.5, 1.0, 1.5, 2.0)


def photo_like(rng, height, width):
    """Waves, edges and a little noise: neighbours are alike but for the edges, as in photographs."""
    y, x = np.mgrid[0:height, 0:width]
    values = np.zeros((height, width, 3))
    for a, b, c, d in rng.normal(0, 12, (6, 4)):
        values += np.sin((y * a / height + x * b / width) + c)[..., None] * rng.uniform(0, 40, 3)
        values[y * a > x * b + d * 4] += rng.normal(0, 25, 3)
    return np.clip(np.round(values + 110 + rng.normal(0, 4, values.shape)), 0, 255).astype(np.uint8)


def pictures(paths):
    rng = np.random.default_rng(0)
    images = [photo_like(rng, *size) for size in ((32, 32), (32, 32), (96, 96), (375, 500))]
    images.append(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    return images + [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def as_pil(image):
    return Image.fromarray(image)


def as_tensor(image):
    return torch.from_numpy(image.copy()).permute(2, 0, 1).to(torch.float32) / 255


def levels(result):
    """f64 [3, h, w] in [0, 255]"""
    tensor = result if isinstance(result, torch.Tensor) else F.to_tensor(result)
    return tensor.to(torch.float64) * 255


def compare(images, pil_way, tensor_way, parameters=((),)):
    """(largest, mean) difference over images and parameters."""
    differences = [
        (levels(pil_way(as_pil(image), *given)) - levels(tensor_way(as_tensor(image), *given))).abs().flatten()
        for image in images for given in parameters]
    joined = torch.cat(differences)
    return joined.max().item(), joined.mean().item()


def both_ways(images, operation, parameters=((),)):
    return compare(images, operation, operation, parameters)


def boxes_of(image, rng, count=12):
    """(box, side) as RandomResizedCrop draws them, to a view as large as is usual for the picture."""
    height, width = image.shape[:2]
    for _ in range(count):
        area, ratio = rng.uniform(0.08, 1) * height * width, np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        h = int(np.clip(np.sqrt(area / ratio), 1, height))
        w = int(np.clip(np.sqrt(area * ratio), 1, width))
        box = (int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1)), h, w)
        yield box, 224 if min(height, width) > 224 else min(height, width)


def resized(image, box, side, antialias):
    return F.resized_crop(image, *box, [side, side], antialias=antialias)


def crops(images, pil_way, tensor_way):
    rng = np.random.default_rng(1)
    results = [compare([image], pil_way, tensor_way, list(boxes_of(image, rng))) for image in images]
    return max(largest for largest, _ in results), float(np.mean([mean for _, mean in results]))


def padded_crop(image, top, left):
    width, height = F.get_image_size(image)
    return F.crop(F.pad(image, 4), top, left, height, width)


def blur(image, sigma):
    width, height = F.get_image_size(image)
    kernel = max(min(width, height) // 10 // 2, 1) * 2 + 1
    return F.gaussian_blur(image, [kernel, kernel], [sigma, sigma])


def strengths(name):
    """Jitter (brightness, contrast, saturation, hue) and whether there is blur."""
    return {"seed": ((0.2, 0.2, 0.2, 0.1), False), "paper-cifar": ((0.4, 0.4, 0.4, 0.1), False),
            "paper": ((0.8, 0.8, 0.8, 0.2), True)}[name]


def views_of(images, name):
    """Whole views, every operation with its probability."""
    rng = np.random.default_rng(2)
    amplitudes, has_blur = strengths(name)

    def view(image, box, side, flip, order, factors, grey, sigma):
        image = resized(image, box, side, True)
        image = F.hflip(image) if flip else image
        for i in order:
            image = JITTER[i](image, factors[i])
        image = F.rgb_to_grayscale(image, 3) if grey else image
        return blur(image, sigma) if sigma else image

    results = []
    for image in images:
        for box, side in boxes_of(image, rng, 40):
            factors = [rng.uniform(1 - a, 1 + a) for a in amplitudes[:3]] + [rng.uniform(-1, 1) * amplitudes[3]]
            order = rng.permutation(4) if rng.random() < 0.8 else ()
            sigma = rng.uniform(0.1, 2) if has_blur and rng.random() < 0.5 else None
            given = (box, side, rng.random() < 0.5, order, factors, rng.random() < 0.2, sigma)
            results.append(both_ways([image], view, [given]))
    return max(largest for largest, _ in results), float(np.mean([mean for _, mean in results]))


def pil_blur(image, sigma):
    return image.filter(ImageFilter.GaussianBlur(sigma))


def rows(images):
    factors, turns, sigmas = ([(value,) for value in values] for values in (FACTORS, TURNS, SIGMAS))
    with_antialias = lambda image, *given: resized(image, *given, True)
    without = lambda image, *given: resized(image, *given, False)
    yield "resized_crop", crops(images, with_antialias, with_antialias)
    yield "resized_crop, float without antialiasing", crops(images, with_antialias, without)
    yield "crop", both_ways(images, padded_crop, [(0, 0), (4, 4), (8, 3)])
    yield "flip", both_ways(images, F.hflip)
    for name, operation in zip(("brightness", "contrast", "saturation"), JITTER):
        yield f"jitter: {name}", both_ways(images, operation, factors)
    yield "jitter: hue", both_ways(images, F.adjust_hue, turns)
    yield "greyscale", both_ways(images, lambda image: F.rgb_to_grayscale(image, 3))
    yield "blur", both_ways(images, blur, sigmas)
    yield "blur by PIL.ImageFilter.GaussianBlur(sigma)", compare(images, pil_blur, blur, sigmas)
    yield "solarize", compare(images, lambda image: F.solarize(image, 128), lambda image: F.solarize(image, 0.5))
    for name in ("seed", "paper-cifar", "paper"):
        yield f"view: {name}", views_of(images, name)


def print_paths(images):
    print("| operation | PIL against float: largest | mean |\n|---|---|---|")
    for name, (largest, mean) in rows(images):
        print(f"| {name} | {largest:.2f} | {mean:.3f} |", flush=True)


def print_deviations(folder):
    print("\n| golden test | our largest deviation from the float path |\n|---|---|")
    for program in ("kernels_test", "augment_test"):
        with tempfile.NamedTemporaryFile(suffix=".json") as report:
            subprocess.run([folder / program, "--gtest_filter=*Golden*", f"--gtest_output=json:{report.name}"],
                           check=True, stdout=subprocess.DEVNULL)
            suites = json.load(open(report.name))["testsuites"]
        for suite in suites:
            for test in suite["testsuite"]:
                for key in (key for key in test if key.startswith("difference")):
                    name = f"{suite['name']}.{test['name']}" + (", from its f64 result" if "f64" in key else "")
                    print(f"| {name} | {int(test[key]) * 1e-9:.1e} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tests", type=pathlib.Path, help="folder of the built test programs")
    parser.add_argument("pictures", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print_paths(pictures(arguments.pictures))
    if arguments.tests:
        print_deviations(arguments.tests)


if __name__ == "__main__":
    main()
