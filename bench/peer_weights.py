"""An encoder trained here, opened by PyTorch and ONNX Runtime from every kind of export and by NumPy from `simclr embed`:
the largest difference between their features, and the kNN accuracy that each computes by itself, beside the program's.

usage: peer_weights.py SIMCLR RUN DATA [--k 200] [--temperature 0.1] [--json]
       DATA: what the run trained on: the folder of the CIFAR-10 batches in binary, or of images.npy and labels.npy
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import safetensors
import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/clients"))
import resnet  # noqa: E402

PART = 500  # images at a time
ONNX_FILES = {"plain": [], "--fold-bn": ["--fold-bn"], "--uint8-input": ["--uint8-input"],
              "--uint8-input --fold-bn": ["--uint8-input", "--fold-bn"]}


def read_arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("simclr")
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--k", type=int, default=200)
    parser.add_argument("--temperature", type=float, default=0.1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def read_cifar(folder, names):
    records = np.concatenate([np.fromfile(folder / f"{name}.bin", np.uint8).reshape(-1, 3073) for name in names])
    pixels = records[:, 1:].reshape(-1, 3, 32, 32)
    return torch.from_numpy(pixels.copy()), torch.from_numpy(records[:, 0].astype(np.int64))


def read_images(folder):
    """Pixels u8 [n, 3, S, S] and labels of the part that trains and of the part that tests."""
    if (folder / "images.npy").is_file():
        pixels = torch.from_numpy(np.load(folder / "images.npy")).permute(0, 3, 1, 2).contiguous()
        both = pixels, torch.from_numpy(np.load(folder / "labels.npy").astype(np.int64))
        return {"train": both, "test": both}
    return {"train": read_cifar(folder, [f"data_batch_{i}" for i in range(1, 6)]), "test": read_cifar(folder, ["test_batch"])}


def knn(bank, bank_labels, queries, labels, k, temperature):
    """Share of queries that the k most similar of the bank label rightly: each votes with exp(cosine / temperature)."""
    unit = torch.nn.functional.normalize
    similarities, nearest = (unit(queries) @ unit(bank).T).topk(k)
    votes = torch.zeros(len(queries), int(bank_labels.max()) + 1).scatter_add_(1, bank_labels[nearest], (similarities / temperature).exp())
    return (votes.argmax(1) == labels).float().mean().item()


def by_torch(state, metadata):
    module = resnet.build(metadata["python"])
    module.load_state_dict(state, strict=True)
    mean, deviation = (torch.tensor(json.loads(metadata[key])).view(3, 1, 1) for key in ("mean", "deviation"))

    def features(pixels):
        with torch.no_grad():
            return torch.cat([module((part.float() / 255 - mean) / deviation) for part in pixels.split(PART)])
    return features


def by_onnxruntime(path):
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    metadata = session.get_modelmeta().custom_metadata_map
    mean, deviation = (torch.tensor(json.loads(metadata[key])).view(3, 1, 1) for key in ("mean", "deviation"))

    def features(pixels):
        parts = []
        for part in pixels.split(PART):
            given = part.permute(0, 2, 3, 1) if name == "pixels" else (part.float() / 255 - mean) / deviation
            parts.append(session.run(["features"], {name: given.contiguous().numpy()})[0])
        return torch.from_numpy(np.concatenate(parts))
    return features


class Table:
    """Rows of what each client computes; differences are from the first."""

    def __init__(self, options):
        self.simclr, self.run, self.k, self.temperature = options.simclr, options.run, options.k, options.temperature
        split = json.loads(self.call("data", "split", "--config", self.run / "config.yaml"))
        self.places = {part: torch.tensor(split[part]) for part in ("train", "test")}
        parts = read_images(options.data)
        self.images, self.labels = (values[self.places["train"]] for values in parts["train"])
        self.test, self.test_labels = (values[self.places["test"]] for values in parts["test"])
        self.rows, self.reference = [], None

    def call(self, *arguments):
        return subprocess.run([self.simclr, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout

    def export(self, path, *options):
        self.call("export", "--run", self.run, "--out", path, "--python", "none", *options)
        return path

    def add(self, client, file, bank, queries):
        self.reference = queries if self.reference is None else self.reference
        self.rows.append({"client": client, "file": file, "difference": (queries - self.reference).abs().max().item(),
                          "accuracy": knn(bank, self.labels, queries, self.test_labels, self.k, self.temperature)})

    def add_program(self, *encoder):
        scores = json.loads(self.call("knn", *encoder, "--k", self.k, "--temperature", self.temperature, "--no-pixels",
                                      "--json"))
        self.rows.append({"client": f"simclr knn {encoder[0]}", "file": "checkpoint" if encoder[0] == "--run" else ".safetensors",
                          "difference": None, "accuracy": scores[-1]["test_accuracy"]})

    def fill(self, folder):
        plain = self.export(folder / "encoder.safetensors")
        with safetensors.safe_open(plain, "pt") as opened:
            metadata = opened.metadata()
        clients = {("PyTorch", ".safetensors"): by_torch(load_file(plain), metadata)}
        state = torch.load(self.export(folder / "encoder.pth", "--format", "pytorch"), weights_only=True)
        clients["PyTorch, weights_only", ".pth"] = by_torch(state, state.metadata)
        for name, options in ONNX_FILES.items():
            path = self.export(folder / f"encoder{len(clients)}.onnx", "--format", "onnx", *options)
            clients["ONNX Runtime", f".onnx, {name}"] = by_onnxruntime(path)
        for (client, file), features in clients.items():
            self.add(client, file, features(self.images), features(self.test))
        self.call("embed", "--run", self.run, "--out", folder / "vectors")
        vectors = torch.from_numpy(np.load(folder / "vectors/embeddings.npy"))
        with open(folder / "vectors/embeddings.csv", newline="") as file:
            rows = {entry["name"]: int(entry["row"]) for entry in csv.DictReader(file)}
        bank, queries = (vectors[[rows[f"{part}/{place}"] for place in self.places[part].tolist()]] for part in ("train", "test"))
        self.add("NumPy", ".npy of simclr embed", bank, queries)
        self.add_program("--run", self.run)
        self.add_program("--weights", plain)


def main():
    options = read_arguments()
    table = Table(options)
    with tempfile.TemporaryDirectory() as folder:
        table.fill(Path(folder))
    largest = table.reference.abs().max().item()
    if options.json:
        print(json.dumps({"largest_feature": largest, "test_images": len(table.test_labels), "rows": table.rows}))
        return
    print(f"{len(table.labels)} images in the bank, {len(table.test_labels)} test images, k {options.k}, temperature "
          f"{options.temperature}; features are up to {largest:.3g}\n")
    print("| opened by | file | kNN, test accuracy | largest difference of features |\n|---|---|---|---|")
    for row in table.rows:
        difference = "" if row["difference"] is None else f"{row['difference']:.1e}"
        print(f"| {row['client']} | {row['file']} | {100 * row['accuracy']:.2f} % | {difference} |")


if __name__ == "__main__":
    main()
