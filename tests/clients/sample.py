"""The tensors of write_files.cpp as torch should have them."""

import torch

DTYPES = {"U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "U16": torch.uint16, "I32": torch.int32,
          "U32": torch.uint32, "I64": torch.int64, "U64": torch.uint64, "F16": torch.float16, "F32": torch.float32,
          "BF16": torch.bfloat16, "F64": torch.float64, "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2}
METADATA = {"stem": "cifar", "epochs": "12"}


def raw(count):
    """`count` bytes as write_files.cpp counts them."""
    return (torch.arange(count) % 113 + 1).to(torch.uint8)


def tensors():
    """By name."""
    expected = {f"of.{name}": raw(6 * dtype.itemsize).view(dtype).reshape(2, 3) for name, dtype in DTYPES.items()}
    expected["of.BOOL"] = torch.tensor([[True, False, True], [True, False, False]])
    expected["single"] = raw(8).view(torch.int64).reshape(())
    expected["empty"] = torch.zeros(0, 4)
    expected["large"] = raw(300 * 200 * 4).view(torch.float32).reshape(300, 200)
    return expected


def same_bits(a, b):
    """Equal dtypes, shapes and bytes; no comparison of numbers, which float8 does not have."""
    return (a.dtype, a.shape) == (b.dtype, b.shape) and torch.equal(
        a.contiguous().reshape(-1).view(torch.uint8), b.contiguous().reshape(-1).view(torch.uint8))
