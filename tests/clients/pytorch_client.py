"""PyTorch opens what write_pytorch() writes. Run by ctest as `pytorch_client.py PYTORCH_FILES`."""

import collections
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
import torch  # noqa: E402

PROGRAM = ""


class PytorchTest(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.folder = Path(temp.name)
        subprocess.run([PROGRAM, self.folder], check=True)

    def load(self, name, **options):
        return torch.load(self.folder / name, weights_only=True, **options)

    def test_state_dict_is_read_in_order_with_its_values(self):
        state = self.load("weights.pth")
        self.assertIsInstance(state, collections.OrderedDict)
        self.assertEqual(list(state), ["fc.weight", "fc.bias", "bn1.num_batches_tracked", "empty"])
        self.assertTrue(torch.equal(state["fc.weight"], torch.arange(6).view(2, 3) * 0.25 - 1))
        self.assertTrue(torch.equal(state["fc.bias"], torch.tensor([-1.0, 0.0])))
        self.assertEqual(state["bn1.num_batches_tracked"].shape, ())
        self.assertEqual(state["bn1.num_batches_tracked"].item(), 70_000_000_000)
        self.assertEqual(state["empty"].shape, (0, 300, 70_000))

    def test_every_tensor_is_contiguous_and_no_leaf_of_a_graph(self):
        for name, tensor in self.load("weights.pth").items():
            self.assertTrue(tensor.is_contiguous(), name)
            self.assertFalse(tensor.requires_grad, name)

    def test_metadata_is_an_attribute(self):
        self.assertEqual(self.load("weights.pth").metadata, {"stem": "cifar", "classes": "caf\u00e9"})

    def test_strict_load_does_not_see_the_metadata(self):
        state = self.load("weights.pth")
        del state["empty"], state["bn1.num_batches_tracked"]
        model = torch.nn.Sequential(collections.OrderedDict(fc=torch.nn.Linear(3, 2)))
        model.load_state_dict(state, strict=True)
        self.assertTrue(torch.equal(model.fc.weight, state["fc.weight"]))

    def test_every_dtype_comes_with_its_bytes(self):
        tensors = self.load("dtypes.pth")
        self.assertEqual(len(tensors), 21)
        for name, tensor in tensors.items():
            self.assertEqual(tensor.dtype, getattr(torch, name))
            self.assertEqual(tensor.shape, (2, 3))
            parts = tensor.clone().view(-1).view(torch.uint8).tolist()
            self.assertEqual(parts, [i % 2 for i in range(len(parts))], name)

    def test_storages_can_be_mapped(self):
        mapped = self.load("weights.pth", mmap=True)
        self.assertTrue(torch.equal(mapped["fc.weight"], self.load("weights.pth")["fc.weight"]))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop()
    unittest.main()
