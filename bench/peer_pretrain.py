#!/usr/bin/env python3
"""The PyTorch peer of `simclr pretrain --preset seed`: same network, images, views, loss, optimizer and evaluation.

    python bench/peer_pretrain.py --data FOLDER --out peer.jsonl --epochs 10

Needs the Python half of the torch wheel and CIFAR-10 in the official binary layout, nothing else. Eager,
channels_last, fused Adam, f32. Writes JSON lines: one "setup", one per epoch with the fields of a run's metrics.jsonl
(and the rate with the time for making views left out), one per protocol and encoder.

Views are made in step, by the same threads: no loader process runs beside the training.
"""

import argparse
import copy
import json
import pathlib
import resource
import time

import torch
from peer_evaluation import features, knn_accuracy, linear_probe
from peer_model import make_model, nt_xent
from peer_views import SIDE, two_views

RECORD = 1 + 3 * SIDE * SIDE


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


# ---- training ----


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
