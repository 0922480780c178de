"""Golden values of the networks: names and shapes, outputs, gradients and batch-norm statistics.

Writes resnet_names.json (torchvision's names and shapes) and model.json. The weights are no part of
them: both sides compute them by the same formula (`pattern`), so that only results are stored. All
is in f64, from weights that are exact in f32.

    python tests/golden/make_model.py     (PyTorch 2.13)
"""

import json
import math
import pathlib

import torch
from torch import nn

FOLDER = pathlib.Path(__file__).parent
MASK = 0xFFFFFFFF


def conv(inputs, outputs, kernel, stride):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    """Basic block (two 3x3) or bottleneck (1x1, 3x3 with the stride, 1x1)."""

    def __init__(self, shapes):
        super().__init__()
        self.depth = len(shapes)
        for i, shape in enumerate(shapes, start=1):
            self.add_module(f"conv{i}", conv(*shape))
            self.add_module(f"bn{i}", nn.BatchNorm2d(shape[1]))
        inputs, outputs = shapes[0][0], shapes[-1][1]
        stride = math.prod(shape[3] for shape in shapes)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = x
        for i in range(1, self.depth + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            if i < self.depth:
                y = y.relu()
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


def block(arch, inputs, planes, stride):
    if arch == "resnet50":
        return Block([(inputs, planes, 1, 1), (planes, planes, 3, stride), (planes, 4 * planes, 1, 1)])
    return Block([(inputs, planes, 3, stride), (planes, planes, 3, 1)])


class ResNet(nn.Module):
    def __init__(self, arch, stem, width):
        super().__init__()
        planes = int(64 * width)
        imagenet = stem == "imagenet"
        self.conv1 = conv(3, planes, 7 if imagenet else 3, 2 if imagenet else 1)
        self.bn1 = nn.BatchNorm2d(planes)
        pools = {"imagenet": nn.MaxPool2d(3, 2, 1), "cifar": nn.Identity(), "cifar-pool": nn.MaxPool2d(2)}
        self.pool = pools[stem]
        inputs = planes
        counts = [2, 2, 2, 2] if arch == "resnet18" else [3, 4, 6, 3]
        for stage, count in enumerate(counts):
            blocks = []
            for i in range(count):
                stride = 2 if stage > 0 and i == 0 else 1
                blocks.append(block(arch, inputs, planes * 2**stage, stride))
                inputs = planes * 2**stage * (4 if arch == "resnet50" else 1)
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.features = inputs

    def forward(self, x):
        x = self.pool(self.bn1(self.conv1(x)).relu())
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3))


HIDDEN, PROJECTION, CLASSES = 24, 12, 10


def make_head(kind, features):
    if kind == "mlp-bn":
        return nn.Sequential(nn.Linear(features, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(),
                             nn.Linear(HIDDEN, PROJECTION))
    if kind == "mlp":
        return nn.Sequential(nn.Linear(features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, PROJECTION))
    if kind == "linear":
        return nn.Sequential(nn.Linear(features, PROJECTION))
    return nn.Linear(features, CLASSES) if kind == "supervised" else nn.Sequential()


def pattern(stream, count):
    """Numbers in [-1, 1), a multiple of 2^-23 each: a 32-bit hash of (stream, position)."""
    h = (stream * 0x9E3779B1 + torch.arange(count) * 0x85EBCA6B) & MASK
    h = (h ^ (h >> 15)) * 0x2C1B3C6D & MASK
    h = (h ^ (h >> 12)) * 0x297A2D39 & MASK
    h = h ^ (h >> 15)
    return (h >> 8).double() * 2.0**-23 - 1


INPUT_STREAM, LOSS_STREAM = 1000, 1001


def fill(model):
    for index, parameter in enumerate(model.parameters()):
        shape = parameter.shape
        values = pattern(index, parameter.numel())
        if len(shape) == 4:
            values = values * math.sqrt(6.0 / (shape[0] * shape[2] * shape[3]))
        elif len(shape) == 2:
            values = values / math.sqrt(shape[1])
        else:
            values = (1 if batch_norm_weight(model, index) else 0) + values / 8
        parameter.data = values.float().double().view(shape)


def batch_norm_weight(model, index):
    owners = [(module, name) for module in model.modules() for name, _ in module.named_parameters(recurse=False)]
    module, name = owners[index]
    return name == "weight" and isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))


def summary(tensor):
    """Norm, and four elements spread over the tensor in row-major order."""
    flat = tensor.detach().double().flatten()
    n = flat.numel()
    return [flat.norm().item()] + [flat[i].item() for i in (0, n // 3, n // 2, n - 1)]


def case(arch, stem, head):
    encoder = ResNet(arch, stem, 0.25)
    model = nn.ModuleDict({"encoder": encoder, "head": make_head(head, encoder.features)}).double()
    fill(model)
    x = (pattern(INPUT_STREAM, 4 * 3 * 32 * 32).view(4, 3, 32, 32) + 1) / 2
    features = encoder(x)
    output = model["head"](features)
    (output * pattern(LOSS_STREAM, output.numel()).view(output.shape)).sum().backward()
    result = {
        "arch": arch, "stem": stem, "head": head,
        "features": summary(features), "output": output.flatten().tolist()[:64],
        "gradients": {name: summary(p.grad) for name, p in model.named_parameters()},
        "buffers": {name: summary(b) for name, b in model.named_buffers()},
    }
    model.eval()
    result["eval"] = model["head"](encoder(x)).flatten().tolist()[:64]
    return result


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def names(arch):
    model = ResNet(arch, "imagenet", 1)
    return {"parameters": [[name, list(p.shape)] for name, p in model.named_parameters()],
            "buffers": [[name, list(b.shape)] for name, b in model.named_buffers()]}


def write(name, content):
    (FOLDER / name).write_text(json.dumps(content, separators=(",", ":")) + "\n")


write("resnet_names.json", {arch: names(arch) for arch in ("resnet18", "resnet34", "resnet50")})
cases = [("resnet18", stem, "mlp-bn") for stem in ("imagenet", "cifar", "cifar-pool")]
cases += [("resnet50", "cifar-pool", "mlp-bn")]
cases += [("resnet18", "cifar-pool", head) for head in ("mlp", "linear", "none", "supervised")]
write("model.json", [rounded(case(*each)) for each in cases])
