#!/usr/bin/env python3
"""Writes what the fuzz targets start from: OUT/<target>/<seed>, made of the tests' golden pictures and of small files.

usage: make_seeds.py OUT
"""

import base64
import io
import json
import pickle
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIXELS = bytes(range(256)) * 12  # one record of CIFAR: 3072
STL10_PIXELS = bytes(range(256)) * 108  # one image of STL-10: 27648


def images():
    for entry in json.loads((ROOT / "tests/golden/images.json").read_text()):
        yield entry["name"], base64.b64decode(entry["file"])


def exif():
    yield "little", struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
    yield "big", struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, 8, 0, 0)
    yield from ((name, data) for name, data in images() if "turned" in name or "orientation" in name)


def tar(files, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def archives():
    files = [("a/one.png", b"not one"), ("../two", b"2"), ("/three", b""), ("b/\n\xff.jpg", b"x" * 700)]
    for packed in ("", ":gz", ":bz2", ":xz"):
        yield f"tar{packed[1:]}", tar(files, "w" + packed)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data)
    yield "zip", buffer.getvalue()


def cifar():
    ten = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    yield "binary 10", tar((f"cifar-10/{name}.bin", b"\3" + PIXELS) for name in ten)
    yield "binary 100", tar([("train.bin", (b"\1\2" + PIXELS) * 5), ("test.bin", b"\1\2" + PIXELS)])
    batch = {b"data": PIXELS, b"labels": [3], b"filenames": [b"a.png"], b"batch_label": b"one"}
    meta = pickle.dumps({b"label_names": [b"a"] * 10, b"num_vis": 3072}, protocol=2)
    yield "pickled 10", tar([(name, pickle.dumps(batch, protocol=2)) for name in ten] + [("batches.meta", meta)])


def stl10():
    labelled = [("train_X.bin", STL10_PIXELS), ("train_y.bin", b"\1"), ("test_y.bin", b"\n"), ("test_X.bin", STL10_PIXELS)]
    rest = [("unlabeled_X.bin", STL10_PIXELS), ("class_names.txt", b"a b\nc d e f g h i \xff")]
    yield "labelled", tar(labelled)
    yield "whole", tar((f"stl10_binary/{name}", data) for name, data in rest + labelled)
    yield "packed", tar(labelled + rest, "w:gz")


def tensors(header, data=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def safetensors():
    one = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    two = {"dtype": "I64", "shape": [], "data_offsets": [24, 32]}
    yield "two", tensors({"a.weight": one, "b": two, "__metadata__": {"step": "7"}}, bytes(32))
    yield "none", tensors({})


def npy():
    for version, size in ((1, "<H"), (2, "<I"), (3, "<I")):
        for order in (False, True):
            text = f"{{'descr': '<f4', 'fortran_order': {order}, 'shape': (2, 3), }}\n".encode()
            yield f"{version} {order}", b"\x93NUMPY" + bytes([version, 0]) + struct.pack(size, len(text)) + text + bytes(24)


def array_pickle():
    """An array as NumPy pickles it, spelled out so that this needs no NumPy."""
    return (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\0cnumpy\nndarray\nq\1K\0\x85q\2U\1bq\3\x87q\4Rq\5"
            b"(K\1K\2K\3\x86q\6cnumpy\ndtype\nq\7U\2u1q\x08K\0K\1\x87q\tRq\n(K\3U\1|q\x0bNNNJ\xff\xff\xff\xff"
            b"J\xff\xff\xff\xffK\0tq\x0cb\x89U\6abcdefq\rtq\x0eb.")


def pickles():
    value = {"a": [1, -2, 2**40, 0.5, None, True], b"b": ("x", {"y": "\u00e9"}), "c": {1, 2}}
    value["again"] = value["a"]
    for protocol in range(6):
        yield f"protocol {protocol}", pickle.dumps(value, protocol=protocol)
    yield "array", array_pickle()


def pytorch():
    for path in sorted((ROOT / "tests/golden/pth").glob("*.pth")):
        yield path.name, path.read_bytes()
        if zipfile.is_zipfile(path):
            yield f"{path.stem}.pkl", zipfile.ZipFile(path).read(f"{path.stem}/data.pkl")


def settings():
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        yield path.name, path.read_bytes()
    yield "flat", b"train.epochs: 3\nbatch-size: 64\ndata: {path: 'x # y'}\n"


def picture_lists():
    """Paths lead from /proc/self/fd, where the target's list lies."""
    yield "labelled", b"../exe\tcat\n../stat\tdog, small\n../maps\nnowhere.png\tcat\n"
    yield "folders", b"../net/dev\n../attr/current\n../net/arp\n"
    yield "deep folders", b"../task/../exe\n../ns/../stat\n../exe\n"
    yield "odd", b"\xef\xbb\xbf/proc/self/exe \r\n\n../fd\n../exe\t\xff\x1b\t \n\tx\n../exe\0.png\tx"


def studies():
    for path in sorted((ROOT / "configs").glob("*study*.yaml")):
        yield path.name, path.read_bytes()
    yield "grid", b"seeds: [0, 1]\nsub_studies: [{name: a, base: {lr: 1}, grid: {head: [none, mlp], temperature: [0.1, 1]}}]\n"
    yield "arms", (b"evaluate: [knn]\nmeasure: {batch_size: 8, temperature: 1}\nchosen: [optim.lr]\nsub_studies:\n"
                   b"- {name: a, arms: [{name: x}, {name: y, set: {train: {epochs: 3}, augment.pipeline.jitter.hue: 0, init: source}}]}\n"
                   b"claims: [{text: t, in: a, figure: knn, rule: same, arms: [x, y], within: 0.1}]\n")
    yield "aliases", b"sub_studies: [{name: a, grid: {data.source: &a [x, [*a]], model: *a}}]\n"


def field(number, value):
    """One field of a protocol buffer: a small number, or bytes of fewer than 128."""
    return bytes([number << 3, value]) if isinstance(value, int) else bytes([number << 3 | 2, len(value)]) + value


def onnx():
    weight = field(1, 2) + field(2, 1) + field(8, b"w") + field(9, bytes(8))
    node = field(1, b"x") + field(1, b"w") + field(2, b"y") + field(4, b"Add") + field(5, field(1, b"axis") + field(3, 1) + field(20, 2))
    value = field(1, b"x") + field(2, field(1, field(1, 1) + field(2, field(1, field(2, b"batch")) + field(1, field(1, 2)))))
    graph = field(1, node) + field(2, b"g") + field(5, weight) + field(11, value)
    yield "one", field(1, 8) + field(7, graph) + field(8, field(2, 17)) + field(14, field(1, b"k") + field(2, b"v"))


def main():
    out = Path(sys.argv[1])
    targets = {"image": images, "exif": exif, "archive": archives, "cifar": cifar, "stl10": stl10, "safetensors": safetensors,
               "npy": npy, "onnx": onnx, "pickle": pickles, "pytorch": pytorch, "settings": settings,
               "picture_list": picture_lists, "study": studies}
    for target, seeds in targets.items():
        folder = out / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds():
            (folder / name.replace(" ", "_").replace(":", "-")).write_bytes(data)


main()
