"""The safetensors package opens our files.

usage: safetensors_client.py CLIENTS_FILES
"""

import client

safetensors, for_torch, torch = client.need("safetensors", "safetensors.torch", "torch")
import sample


class Safetensors(client.OurFiles):
    def test_every_tensor_comes_bit_for_bit(self):
        loaded = for_torch.load_file(self.folder / "sample.safetensors")
        expected = sample.tensors()
        self.assertEqual(loaded.keys(), expected.keys())
        for name, tensor in expected.items():
            with self.subTest(name):
                self.assertTrue(sample.same_bits(loaded[name], tensor))

    def test_the_metadata_comes_too(self):
        with safetensors.safe_open(self.folder / "sample.safetensors", "pt") as opened:
            self.assertEqual(opened.metadata(), sample.METADATA)


if __name__ == "__main__":
    client.main()
