"""Writes pth/*.pth as PyTorch saves them, and pth/golden.json with what each holds.

usage: .venv/bin/python tests/golden/make_pth.py      (torch 2.13; equal runs, equal bytes, but for the addresses in legacy.pth)
"""

import collections
import json
from pathlib import Path

import torch

FOLDER = Path(__file__).with_name("pth")

NAMES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
    torch.complex32: "C32", torch.complex64: "C64", torch.complex128: "C128", torch.uint16: "U16", torch.uint32: "U32",
    torch.uint64: "U64", torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
    torch.float8_e4m3fnuz: "F8_E4M3FNUZ", torch.float8_e5m2fnuz: "F8_E5M2FNUZ", torch.float8_e8m0fnu: "F8_E8M0",
}


def counted(dtype, count=6):
    """Bytes 0, 1, 2, ... as numbers of this kind; a bool may only be 0 or 1."""
    size = torch.empty(0, dtype=dtype).element_size()
    values = torch.arange(count * size, dtype=torch.uint8)
    return (values % 2).bool() if dtype == torch.bool else values.view(dtype)


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        collections.OrderedDict(conv1=torch.nn.Conv2d(2, 3, 3, bias=False), bn1=torch.nn.BatchNorm2d(3), fc=torch.nn.Linear(3, 2)))


def views():
    base = torch.arange(24, dtype=torch.float32)
    return {
        "base": base,
        "part": base[6:12].view(2, 3),
        "same": base.view(4, 6),
        "transposed": base.view(4, 6).t(),
        "every second": base[1::2],
        "inner": base.view(2, 3, 4)[:, 1:, 1:3],
        "channels last": torch.arange(24, dtype=torch.float32).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
        "expanded": torch.tensor([[1.5], [2.5]]).expand(2, 3),
        "one row": base.view(4, 6)[2:3].t().t(),
        "empty": torch.zeros(0),
        "empty sides": torch.zeros(3, 0, 2, dtype=torch.int64),
        "empty part": base[24:],
        "scalar": torch.tensor(-7, dtype=torch.int64),
        "scalar view": base[5],
        "parameter": torch.nn.Parameter(torch.ones(2, 2)),
        "sum of parts": torch.ones(64, 2)[3:5],
    }


def checkpoint():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 0.25)
    optimizer.step()
    return {
        "epoch": 12,
        "loss": 0.125,
        "best": float("nan"),
        "arch": "resnet18",
        "done": True,
        "none": None,
        "sizes": [1, 2.5, "three", None, [False]],
        "size": torch.Size([3, 4]),
        "device": torch.device("cuda", 1),
        "dtype": torch.bfloat16,
        "classes": {"cat"},
        7: {"nested": {"deep": (1, 2)}},
        "mixed": [torch.ones(2), {"x": 1}],
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
    }


def flat(value, name=""):
    """(dotted name, tensor or plain value), by the rules of PytorchFile."""
    def plain(item):
        if isinstance(item, (list, tuple, set, torch.Size)):
            return all(map(plain, item))
        return item is None or isinstance(item, (bool, int, float, str, torch.dtype, torch.device))

    def text(item):
        if isinstance(item, (torch.dtype, torch.device)):
            return str(item)
        return [text(part) for part in item] if isinstance(item, (list, tuple, set)) else item

    join = f"{name}." if name else ""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{join}{key}")
    elif isinstance(value, torch.Tensor):
        yield name, value.detach()
    elif plain(value):
        shown = text(value)
        if isinstance(shown, float) and shown != shown:
            shown = "NaN"
        yield name, shown if isinstance(shown, str) else json.dumps(shown, separators=(",", ":"))
    else:
        for i, item in enumerate(value):
            yield from flat(item, f"{join}{i}")


def bytes_of(tensor):
    return bytes(tensor.contiguous().clone().reshape(-1).view(torch.uint8).tolist()) if tensor.numel() else b""


def golden(value):
    tensors, metadata = {}, {}
    for name, item in flat(value):
        if isinstance(item, str):
            metadata[name] = item
        else:
            tensors[name] = {"dtype": NAMES[item.dtype], "shape": list(item.shape), "bytes": bytes_of(item).hex()}
    return {"tensors": tensors, "metadata": metadata}


def main():
    FOLDER.mkdir(exist_ok=True)
    good = {
        "state_dict": network().state_dict(),
        "dtypes": {f"{dtype}": counted(dtype) for dtype in NAMES},
        "views": views(),
        "checkpoint": checkpoint(),
        "model_key": {"model": {"module.encoder.weight": torch.ones(2, 2)}, "args": {"lr": 0.1}},
        "nothing": {},
    }
    for name, value in good.items():
        torch.save(value, FOLDER / f"{name}.pth")
    (FOLDER / "golden.json").write_text(json.dumps({name: golden(value) for name, value in good.items()}, indent=1) + "\n")

    # What is refused.
    torch.save(network().state_dict(), FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(1, 1), FOLDER / "module.pth")
    torch.save(torch.ones(2), FOLDER / "tensor.pth")
    torch.save({"x": torch.ones(2, dtype=torch.complex64).conj()}, FOLDER / "conjugate.pth")
    torch.save({"x": torch.ones(1).expand(100_000)}, FOLDER / "expanded.pth")
    torch.save({"x": torch.eye(2).to_sparse()}, FOLDER / "sparse.pth")
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), FOLDER / "script.pth")


if __name__ == "__main__":
    main()
