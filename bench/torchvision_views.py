"""Times torchvision's views, as people make them: PIL images, torchvision.transforms, ToTensor, one thread.

`simclr bench augment` runs this and talks to it by lines of JSON on standard input and output, so that rounds of the two
sides alternate. By hand, the seed pipeline's resized crop on one grey picture:

    printf '%s\n' '{"pictures": ["808080"], "height": 1, "width": 1, "jpeg": false, "side": 32}' \
        '{"pipeline": [["resized_crop", {"scale_min": 0.08, "scale_max": 1, "ratio_min": 0.75, "ratio_max": 1.33}]]}' \
        '{"views": 1000}' | python3 bench/torchvision_views.py

Each request is answered by one line: {} or {"seconds": CPU time of the thread}, or {"error": why}. The first line is
written unasked: the versions.
"""

import io
import json
import sys
import time

import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms


def crop_steps(name, options, side):
    if name == "resized_crop":
        scale = (options["scale_min"], options["scale_max"])
        ratio = (options["ratio_min"], options["ratio_max"])
        return [transforms.RandomResizedCrop(side, scale, ratio)]
    return [transforms.RandomCrop(side, padding=int(options["padding"]))]


def blur(options, side):
    kernel = 2 * max(int(options["kernel"] * side) // 2, 1) + 1
    return transforms.GaussianBlur(kernel, (options["sigma_min"], options["sigma_max"]))


def perhaps(transform, p):
    return transform if p >= 1 else transforms.RandomApply([transform], p)


def image_step(name, options, side):
    """The transform of a PIL image that an operation of ours is named after."""
    p = options["p"]
    if name == "flip":
        return transforms.RandomHorizontalFlip(p)
    if name == "autoaugment":
        return perhaps(transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10), p)
    if name == "jitter":
        amplitudes = [options[key] for key in ("brightness", "contrast", "saturation", "hue")]
        return perhaps(transforms.ColorJitter(*amplitudes), p)
    if name == "greyscale":
        return transforms.RandomGrayscale(p)
    if name == "blur":
        return perhaps(blur(options, side), p)
    if name == "solarize":
        return transforms.RandomSolarize(options["threshold"] * 255, p)
    raise ValueError(f"no transform for {name}")


def noise(options):
    """torchvision 0.14 has none: as users write it, on the tensor."""

    def add(image):
        return (image + options["sigma"] * torch.randn_like(image)).clamp_(0, 1)

    return perhaps(transforms.Lambda(add), options["p"])


def make_transform(pipeline, side, size):
    steps, tensor_steps = [], []
    if "resized_crop" not in dict(pipeline) and size != (side, side):
        steps.append(transforms.Resize((side, side)))
    for name, options in pipeline:
        if name in ("resized_crop", "crop"):
            steps += crop_steps(name, options, side)
        elif name == "noise":
            tensor_steps.append(noise(options))
        else:
            steps.append(image_step(name, options, side))
    return transforms.Compose(steps + [transforms.ToTensor()] + tensor_steps)


class Bench:
    def set_pictures(self, request):
        """u8 RGB pixels, or JPEG files that every view decodes anew; both as hexadecimal digits."""
        self.size = request["height"], request["width"]
        self.side = request["side"]
        self.jpeg = request["jpeg"]
        self.pictures = [bytes.fromhex(digits) for digits in request["pictures"]]
        if not self.jpeg:
            self.pictures = [Image.frombytes("RGB", self.size[::-1], pixels) for pixels in self.pictures]

    def picture(self, i):
        picture = self.pictures[i % len(self.pictures)]
        return Image.open(io.BytesIO(picture)).convert("RGB") if self.jpeg else picture

    def seconds(self, views):
        start = time.thread_time()
        for i in range(views):
            self.transform(self.picture(i))
        return time.thread_time() - start

    def answer(self, request):
        if "pictures" in request:
            self.set_pictures(request)
        elif "pipeline" in request:
            self.transform = make_transform(request["pipeline"], self.side, self.size)
        else:
            return {"seconds": self.seconds(request["views"])}
        return {}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    versions = {"torchvision": torchvision.__version__, "torch": torch.__version__, "pillow": PIL.__version__}
    print(json.dumps(versions), flush=True)
    bench = Bench()
    for line in sys.stdin:
        try:
            answer = bench.answer(json.loads(line))
        except Exception as error:  # whatever it is, the other side says it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
