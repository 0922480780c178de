#!/usr/bin/env python3
"""The PyTorch peer of `simclr pretrain --preset seed`: same network, images, views, loss, optimizer and evaluation.

    python bench/peer_pretrain.py --data FOLDER --out peer.jsonl --epochs 10

Needs the Python half of the torch wheel and CIFAR-10 in the official binary layout, nothing else. Eager,
channels_last, fused Adam, f32. Writes JSON lines: one "setup", one per epoch with the fields of a run's metrics.jsonl
(and the rate with the time for making views left out), one per protocol and encoder.

Views follow torchvision's operations on float tensors, drawn and applied for a whole batch at once but with parameters
of its own for every image: crop box, flip, jitter or not, order of the four jitter operations, their factors, grey or
not. They are made in step, by the same threads: no loader process runs beside the training.
"""

import argparse
import copy
import json
import math
import pathlib
import resource
import time

import torch
import torch.nn.functional as F
from torch import nn

SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE
L2_GRID = [10.0**exponent for exponent in range(-6, 1)]


# ---- images ----


def read_records(paths):
    """Pixels u8 [n, 3, 32, 32] and labels i64 [n] of CIFAR-10's binary files."""
    records = torch.frombuffer(bytearray(b"".join(p.read_bytes() for p in paths)), dtype=torch.uint8)
    records = records.view(-1, RECORD)
    return records[:, 1:].reshape(-1, 3, SIDE, SIDE), records[:, 0].long()


def read_cifar10(folder):
    if (folder / "cifar-10-batches-bin").is_dir():
        folder = folder / "cifar-10-batches-bin"
    train = read_records([folder / f"data_batch_{i}.bin" for i in range(1, 6)])
    return train, read_records([folder / "test_batch.bin"])


def stratified(labels, indices, share, generator):
    """round(share * n) of every class, and the rest."""
    taken, rest = [], []
    for label in range(int(labels.max()) + 1):
        members = indices[labels[indices] == label]
        members = members[torch.randperm(len(members), generator=generator)]
        count = round(share * len(members))
        taken.append(members[:count])
        rest.append(members[count:])
    return torch.cat(taken).sort().values, torch.cat(rest).sort().values


def split(labels, args):
    """Indices of the training and the validation part."""
    if args.indices:
        chosen = json.loads(args.indices.read_text())
        return torch.tensor(chosen["train"]), torch.tensor(chosen["validation"])
    generator = torch.Generator().manual_seed(args.split_seed)
    used, _ = stratified(labels, torch.arange(len(labels)), args.train_percent, generator)
    validation, train = stratified(labels, used, 0.2, generator)
    return train, validation


# ---- views: n images at once, each with parameters of its own ----


def uniform(shape, low, high, generator):
    return torch.empty(shape).uniform_(low, high, generator=generator)


def draw_boxes(n, generator):
    """top, left, height, width i64 [n] as RandomResizedCrop draws them: the first of ten tries that fits."""
    area = SIDE * SIDE * uniform((n, 10), 0.08, 1.0, generator)
    ratio = uniform((n, 10), math.log(3 / 4), math.log(4 / 3), generator).exp()
    width = (area * ratio).sqrt().round().long()
    height = (area / ratio).sqrt().round().long()
    fits = (width >= 1) & (width <= SIDE) & (height >= 1) & (height <= SIDE)
    first = fits.int().argmax(1, keepdim=True)
    width, height = width.gather(1, first).squeeze(1), height.gather(1, first).squeeze(1)
    none_fits = ~fits.any(1)
    width[none_fits], height[none_fits] = SIDE, SIDE
    top = (torch.rand(n, generator=generator) * (SIDE - height + 1)).long()
    left = (torch.rand(n, generator=generator) * (SIDE - width + 1)).long()
    return top, left, height, width


def taps(start, size):
    """Rows (or columns) read by a bilinear resize of [start, start + size) to SIDE: low, high, weight [n, SIDE]."""
    position = (torch.arange(SIDE) + 0.5) * (size[:, None] / SIDE) - 0.5
    position = position.clamp_min(0)
    low = position.long().clamp_max(size[:, None] - 1)
    high = (low + 1).minimum(size[:, None] - 1)
    return start[:, None] + low, start[:, None] + high, position - low


def interpolate(images, dim, low, high, weight):
    shape = [len(images), 1, 1, 1]
    shape[dim] = SIDE
    expanded = list(images.shape)
    expanded[dim] = SIDE
    pick = lambda index: images.gather(dim, index.view(shape).expand(expanded))
    weight = weight.view(shape)
    return pick(low) * (1 - weight) + pick(high) * weight


def resized_crop(images, boxes, flip):
    """f32 [n, 3, 32, 32]; bilinear, align_corners=False, no antialiasing. `flip` bool [n] mirrors."""
    top, left, height, width = boxes
    rows = interpolate(images, 2, *taps(top, height))
    columns = [torch.where(flip[:, None], t.flip(1), t) for t in taps(left, width)]
    return interpolate(rows, 3, *columns)


def grey(images):
    red, green, blue = images.unbind(1)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).unsqueeze(1)


def blend(images, other, factor):
    return (factor * images + (1 - factor) * other).clamp(0, 1)


def brightness(images, factor):
    return blend(images, torch.zeros(()), factor)


def contrast(images, factor):
    return blend(images, grey(images).mean((1, 2, 3), keepdim=True), factor)


def saturation(images, factor):
    return blend(images, grey(images), factor)


def hue(images, turns):
    red, green, blue = images.unbind(1)
    value, least = images.amax(1), images.amin(1)
    chroma = value - least
    divisor = torch.where(chroma == 0, 1.0, chroma)
    sixth = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    turned = torch.remainder(sixth / 6 + turns.view(-1, 1, 1), 1.0) * 6
    channels = []
    for offset in (5, 3, 1):
        k = torch.remainder(turned + offset, 6)
        channels.append(value - chroma * k.minimum(4 - k).clamp(0, 1))
    return torch.stack(channels, 1)


OPERATIONS = (brightness, contrast, saturation, hue)


def draw_jitter(n, generator):
    """Order i64 [n, 4] and factors f32 [n, 4] by operation."""
    order = torch.rand(n, 4, generator=generator).argsort(1)
    factors = uniform((n, 4), 0.8, 1.2, generator)
    factors[:, 3] = uniform((n,), -0.1, 0.1, generator)
    return order, factors


def color_jitter(images, order, factors):
    """Place by place in the order, each operation takes the images whose turn it is."""
    for place in range(4):
        for index, operation in enumerate(OPERATIONS):
            turn = (order[:, place] == index).nonzero().squeeze(1)
            images[turn] = operation(images[turn], factors[turn, index].view(-1, 1, 1, 1))
    return images


def make_views(pixels, generator):
    """One view of each image: f32 [n, 3, 32, 32] in [0, 1]."""
    n = len(pixels)
    boxes = draw_boxes(n, generator)
    flip = torch.rand(n, generator=generator) < 0.5
    views = resized_crop(pixels.float() / 255, boxes, flip)
    jittered = (torch.rand(n, generator=generator) < 0.8).nonzero().squeeze(1)
    order, factors = draw_jitter(len(jittered), generator)
    views[jittered] = color_jitter(views[jittered], order, factors)
    greyed = (torch.rand(n, generator=generator) < 0.2).nonzero().squeeze(1)
    views[greyed] = grey(views[greyed]).expand(-1, 3, -1, -1)
    return views


def two_views(pixels, generator):
    """[2n, 3, 32, 32], channels_last; rows i and i + n are views of image i."""
    views = torch.cat([make_views(pixels, generator), make_views(pixels, generator)])
    return views.contiguous(memory_format=torch.channels_last)


# ---- network: torchvision's ResNet-18, names and initial weights included ----


class BasicBlock(nn.Module):
    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet18(nn.Module):
    def __init__(self, stem):
        super().__init__()
        kernel, stride, padding = (7, 2, 3) if stem == "imagenet" else (3, 1, 1)
        self.conv1 = nn.Conv2d(3, 64, kernel, stride, padding, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        pools = {"imagenet": nn.MaxPool2d(3, 2, 1), "cifar-pool": nn.MaxPool2d(2), "cifar": nn.Identity()}
        self.maxpool = pools[stem]
        for i, channels in enumerate((64, 128, 256, 512)):
            stage = nn.Sequential(
                BasicBlock(max(64, channels // 2), channels, 2 if i else 1),
                BasicBlock(channels, channels, 1),
            )
            setattr(self, f"layer{i + 1}", stage)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x)), inplace=True))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean((2, 3))


def make_model(stem):
    head = nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(inplace=True), nn.Linear(512, 128))
    model = nn.Sequential()
    model.add_module("encoder", ResNet18(stem))
    model.add_module("head", head)
    return model.to(memory_format=torch.channels_last)


# ---- training ----


def nt_xent(z, temperature):
    """Loss over [2N, D] and how many anchors have their other view nearest."""
    z = F.normalize(z)
    similarities = (z @ z.t() / temperature).fill_diagonal_(-math.inf)
    partners = torch.arange(len(z)).roll(len(z) // 2)
    loss = F.cross_entropy(similarities, partners)
    return loss, int((similarities.detach().argmax(1) == partners).sum())


class Totals:
    """Means over images of one pass."""

    def __init__(self):
        self.loss = self.right = self.images = 0.0

    def add(self, loss, right, images):
        self.loss += float(loss) * images
        self.right += right / 2
        self.images += images

    def means(self):
        return self.loss / self.images, self.right / self.images


def train_epoch(model, optimizer, pixels, args, generator):
    model.train()
    totals, loader_seconds, start = Totals(), 0.0, time.perf_counter()
    order = torch.randperm(len(pixels), generator=generator)
    for batch in order.split(args.batch_size):
        if len(batch) < args.batch_size:
            break
        made = time.perf_counter()
        views = two_views(pixels[batch], generator)
        loader_seconds += time.perf_counter() - made
        optimizer.zero_grad()
        loss, right = nt_xent(model(views), args.temperature)
        loss.backward()
        optimizer.step()
        totals.add(loss.detach(), right, len(batch))
    seconds = time.perf_counter() - start
    views_made = 2 * totals.images
    return totals.means(), views_made / seconds, views_made / (seconds - loader_seconds)


@torch.no_grad()
def validate(model, batches, temperature):
    model.eval()
    totals = Totals()
    for views in batches:
        totals.add(*nt_xent(model(views), temperature), len(views) // 2)
    return totals.means()


def pretrain(model, train_pixels, validation_pixels, args, write):
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, fused=True)
    generator = torch.Generator().manual_seed(args.seed)
    validation_generator = torch.Generator().manual_seed(args.seed + 1)
    validation = [two_views(p, validation_generator) for p in validation_pixels.split(args.batch_size)]
    steps = len(train_pixels) // args.batch_size
    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        (train_loss, train_accuracy), rate, bare_rate = train_epoch(model, optimizer, train_pixels, args, generator)
        val_loss, val_accuracy = validate(model, validation, args.temperature)
        write(
            {
                "epoch": epoch,
                "epochs": args.epochs,
                "step": epoch * steps,
                "objective": "contrastive",
                "train_loss": train_loss,
                "train_accuracy": train_accuracy,
                "val_loss": val_loss,
                "val_accuracy": val_accuracy,
                "lr": args.lr,
                "views_per_second": rate,
                "views_per_second_without_loader": bare_rate,
                "epoch_seconds": time.perf_counter() - start,
            }
        )


# ---- evaluation of a frozen encoder ----


@torch.no_grad()
def features(encoder, pixels):
    encoder.eval()
    batches = (p.float().div(255).contiguous(memory_format=torch.channels_last) for p in pixels.split(500))
    return torch.cat([encoder(batch) for batch in batches])


def knn_accuracy(bank, bank_labels, queries, labels, k=200, temperature=0.1):
    bank, queries = F.normalize(bank), F.normalize(queries)
    right = 0
    for block, block_labels in zip(queries.split(1000), labels.split(1000)):
        similarities, neighbours = (block @ bank.t()).topk(min(k, len(bank)))
        votes = torch.zeros(len(block), 10).scatter_add_(1, bank_labels[neighbours], (similarities / temperature).exp())
        right += int((votes.argmax(1) == block_labels).sum())
    return right / len(labels)


def fit_logistic(x, labels, l2, start):
    """Minimises mean cross-entropy + l2 / 2 |weight|^2 by L-BFGS in f64."""
    weight, bias = (t.clone().requires_grad_() for t in start)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=300, tolerance_grad=1e-5, tolerance_change=0, history_size=10,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(x @ weight.t() + bias, labels) + l2 / 2 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weight.detach(), bias.detach()


def linear_probe(train, validation, test):
    """Each part is (features, labels). L2 is chosen on the validation part (ties: the stronger), test scored once."""
    mean, deviation = train[0].mean(0), train[0].std(0, unbiased=False).clamp_min(1e-6)
    train, validation, test = (((x - mean).div(deviation).double(), labels) for x, labels in (train, validation, test))
    accuracy = lambda part, fit: float(((part[0] @ fit[0].t() + fit[1]).argmax(1) == part[1]).double().mean())
    fit = (torch.zeros(10, train[0].shape[1], dtype=torch.double), torch.zeros(10, dtype=torch.double))
    best = (-1.0, 0.0, fit)
    for l2 in reversed(L2_GRID):
        fit = fit_logistic(*train, l2, fit)
        score = accuracy(validation, fit)
        if score > best[0]:
            best = (score, l2, fit)
    return {"l2": best[1], "validation_accuracy": best[0], "test_accuracy": accuracy(test, best[2])}


def evaluate(encoder, name, epoch, parts, write):
    """kNN and linear evaluation; parts are (pixels, labels) for train, validation and test."""
    train, validation, test = [(features(encoder, pixels), labels) for pixels, labels in parts]
    line = {"protocol": "knn", "encoder": name, "epoch": epoch}
    write({**line, "test_accuracy": knn_accuracy(*train, *test)})
    line["protocol"] = "linear"
    write({**line, **linear_probe(train, validation, test)})


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="CIFAR-10 in the official binary layout")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON lines, written anew")
    parser.add_argument("--indices", type=pathlib.Path, help='{"train": [...], "validation": [...]} of training images')
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=256, help="images N; 2N views per step")
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--stem", choices=("imagenet", "cifar", "cifar-pool"), default="imagenet")
    parser.add_argument("--train-percent", type=float, default=0.2, help="share of the training images; 20 %% validate")
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    with args.out.open("w") as out:

        def write(line):
            text = json.dumps(line)
            print(text, flush=True)
            print(text, file=out, flush=True)

        (pixels, labels), test = read_cifar10(args.data)
        train, validation = split(labels, args)
        options = {name: str(value) if isinstance(value, pathlib.Path) else value for name, value in vars(args).items()}
        write({"setup": options, "torch": torch.__version__, "train": len(train), "validation": len(validation)})
        model = make_model(args.stem)
        random_encoder = copy.deepcopy(model.encoder)
        pretrain(model, pixels[train], pixels[validation], args, write)
        write({"peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20})
        parts = [(pixels[train], labels[train]), (pixels[validation], labels[validation]), test]
        evaluate(random_encoder, "random", 0, parts, write)
        evaluate(model.encoder, "trained", args.epochs, parts, write)


if __name__ == "__main__":
    main()
