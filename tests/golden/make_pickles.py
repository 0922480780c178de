"""Writes pickles.json: pickles as Python and NumPy write them, beside what they hold, in a form the test makes too.

usage: /usr/bin/python3 tests/golden/make_pickles.py      (Debian's python3 and python3-numpy)
"""

import base64
import collections
import io
import json
import pickle
import struct
from pathlib import Path

import numpy as np


class Storage:
    """Stands for what is kept outside a pickle."""


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return "storage 7" if isinstance(value, Storage) else None


def dump(value, protocol):
    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return base64.b64encode(out.getvalue()).decode()


def show(value):
    """One text per value; texts and bytes in hexadecimal."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return "f" + struct.pack(">d", value).hex()
    if isinstance(value, (bytes, bytearray)):
        return "b" + bytes(value).hex()
    if isinstance(value, str):
        return "s" + value.encode().hex()
    if isinstance(value, list):
        return "[" + ",".join(map(show, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ",".join(map(show, value)) + ")"
    if isinstance(value, collections.OrderedDict):
        return "collections.OrderedDict" + show(dict(value))
    if isinstance(value, dict):
        return "{" + ",".join(f"{show(k)}:{show(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Storage):
        return "<" + show("storage 7") + ">"
    raise TypeError(type(value))


def everything(protocol):
    shared = ["shared", 1]
    value = {
        "nothing": None,
        "truth": [True, False],
        "whole": [0, 1, -1, 10, 255, 256, 65535, 65536, -2**31, 2**31, 2**63 - 1, -2**63],
        "real": [1.5, -0.0, float("inf"), 1e300],
        "texts": ["", "plain", "caf\u00e9 \u2603 \U0001f600", "line\nnext \\ ' \""],
        "bytes": [b"", b"\x00\n\\'\"\x7f\x80\xff", b"x" * 300],
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "shared": [shared, shared],
        "nested": [[[[]]], {}, {"a": {2: (None,)}}],
        "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
        "outside": Storage(),
        "long": list(range(1500)),
    }
    if protocol == 5:
        value["changeable"] = bytearray(b"\x01\x02")
    return value


def python2_text(value):
    """Protocol 2 as Python 2 writes it: str is SHORT_BINSTRING or BINSTRING."""
    size = len(value)
    return (b"U" + bytes([size]) if size < 256 else b"T" + struct.pack("<I", size)) + value


def python2_images(pixels, labels):
    """A batch in CIFAR-10's form, opcode by opcode: Python 2 is needed to make one otherwise."""
    rows, columns = pixels.shape
    array = (b"cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01bq\x03\x87Rq\x04"
             + b"(K\x01M" + struct.pack("<H", rows) + b"M" + struct.pack("<H", columns) + b"\x86"
             + b"cnumpy\ndtype\nq\x05U\x02u1q\x06K\x00K\x01\x87Rq\x07(K\x03U\x01|q\x08NNN"
             + b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x09b\x89" + python2_text(pixels.tobytes()) + b"q\x0atb")
    items = [python2_text(b"batch_label") + python2_text(b"training batch 1 of 5"),
             python2_text(b"labels") + b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e",
             python2_text(b"data") + array]
    return b"\x80\x02}q\x00(" + b"".join(items) + b"u."


def arrays():
    counting = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    return {
        "u1": counting,
        "fortran": np.asfortranarray(counting),
        "big": counting.astype(">i4").reshape(4, 6) * -1000,
        "f8": np.linspace(-1, 1, 5),
        "scalar shape": np.array(7, dtype=np.int64),
        "empty": np.zeros((0, 3), np.float32),
    }


def main():
    golden = {"values": {}, "arrays": {}}
    for protocol in range(6):
        value = everything(protocol)
        golden["values"][str(protocol)] = {"pickle": dump(value, protocol), "shows": show(value)}
    for name, array in arrays().items():
        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
        golden["arrays"][name] = {
            "dtype": array.dtype.str[1:],
            "shape": list(array.shape),
            "bytes": little.tobytes().hex(),
            "pickles": [dump(array, protocol) for protocol in range(6)],
        }
    pixels = (np.arange(2 * 3072) % 251).astype(np.uint8).reshape(2, 3072)
    golden["python2"] = base64.b64encode(python2_images(pixels, [3, 9])).decode()
    path = Path(__file__).with_name("pickles.json")
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
