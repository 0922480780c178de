"""An encoder trained here, opened by PyTorch and ONNX Runtime from its exports: the largest difference between their
features, and the kNN accuracy that each computes by itself, beside the program's.

usage: peer_weights.py SIMCLR RUN CIFAR_FOLDER      (CIFAR_FOLDER: the CIFAR-10 batches in binary that the run trained on)
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import safetensors
import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/clients"))
import resnet  # noqa: E402

program, run, cifar = sys.argv[1:4]


def simclr(*arguments):
    return subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout


def read(names):
    records = np.concatenate([np.fromfile(Path(cifar) / f"{name}.bin", np.uint8).reshape(-1, 3073) for name in names])
    pixels = records[:, 1:].reshape(-1, 3, 32, 32)
    return torch.from_numpy(pixels.copy()), torch.from_numpy(records[:, 0].astype(np.int64))


def knn(bank, bank_labels, queries, labels, k, temperature):
    unit = torch.nn.functional.normalize
    similarities, nearest = (unit(queries) @ unit(bank).T).topk(k)
    votes = torch.zeros(len(queries), 10).scatter_add_(1, bank_labels[nearest], (similarities / temperature).exp())
    return (votes.argmax(1) == labels).float().mean().item()


def by_module(module, pixels, metadata):
    mean, deviation = (torch.tensor(json.loads(metadata[key])).view(3, 1, 1) for key in ("mean", "deviation"))
    with torch.no_grad():
        return torch.cat([module((part.float() / 255 - mean) / deviation) for part in pixels.split(500)])


def by_onnx(session, pixels):
    return torch.from_numpy(np.concatenate(
        [session.run(["features"], {"pixels": part.permute(0, 2, 3, 1).contiguous().numpy()})[0] for part in pixels.split(500)]))


def main():
    train, train_labels = read([f"data_batch_{i}" for i in range(1, 6)])
    test, test_labels = read(["test_batch"])
    split = json.loads(simclr("data", "split", "--config", Path(run) / "config.yaml"))["train"]
    train, train_labels = train[split], train_labels[split]
    k, temperature = 200, 0.1
    scores = json.loads(simclr("knn", "--run", run, "--k", k, "--temperature", temperature, "--no-pixels", "--json"))
    ours = next(score for score in scores if score["encoder"] == "trained")
    rows = [("simclr knn", ours["test_accuracy"], 0.0)]
    with tempfile.TemporaryDirectory() as folder:
        files = {form: Path(folder) / f"encoder{ending}"
                 for form, ending in (("safetensors", ".safetensors"), ("pytorch", ".pth"), ("onnx", ".onnx"))}
        for form, path in files.items():
            simclr("export", "--run", run, "--format", form, "--out", path, "--python", "none",
                   *(["--uint8-input"] if form == "onnx" else []))
        with safetensors.safe_open(files["safetensors"], "pt") as opened:
            metadata = opened.metadata()
        states = {"PyTorch, .safetensors": load_file(files["safetensors"]),
                  "PyTorch, .pth (weights_only)": torch.load(files["pytorch"], weights_only=True)}
        session = onnxruntime.InferenceSession(files["onnx"], providers=["CPUExecutionProvider"])
        reference = None
        for name in [*states, "ONNX Runtime, .onnx (u8)"]:
            if name in states:
                module = resnet.build(metadata["python"])
                module.load_state_dict(states[name], strict=True)
                bank, queries = (by_module(module, pixels, metadata) for pixels in (train, test))
            else:
                bank, queries = (by_onnx(session, pixels) for pixels in (train, test))
            reference = queries if reference is None else reference
            rows.append((name, knn(bank, train_labels, queries, test_labels, k, temperature),
                         (queries - reference).abs().max().item()))
    print("| opened by | kNN, test accuracy | largest difference of features from the first by PyTorch |\n|---|---|---|")
    for name, accuracy, difference in rows:
        print(f"| {name} | {100 * accuracy:.2f} % | {difference:.1e} |")


main()
