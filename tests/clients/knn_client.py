"""An encoder trained here has the same kNN accuracy wherever it is opened: bench/peer_weights.py on stripes that
NumPy draws.

usage: knn_client.py SIMCLR
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import client

np, *_ = client.need("numpy", "torch", "onnx", "onnxruntime", "safetensors")
PEER = Path(__file__).resolve().parent.parent.parent / "bench/peer_weights.py"
TOLERANCE = 1e-4  # of features, relative to the largest above 1: f32 sums in another order
IMAGES = 500
PROGRAM = ""


def write_stripes(folder):
    """Stripes of five directions and two widths in much the same two colours for each of ten classes, with noise."""
    random = np.random.default_rng(4)
    y, x = np.mgrid[:32, :32]
    labels = np.arange(IMAGES) % 10
    palette = random.uniform(50, 200, (10, 2, 3))
    images = []
    for label in labels:
        angle, width = np.pi * (label % 5) / 5, (2.0, 5.0)[label // 5]
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) / width + random.uniform(0, 7))
        colours = palette[label] + random.normal(0, 40, (2, 3))
        images.append(np.where(wave[..., None] > 0, colours[0], colours[1]) + random.normal(0, 20, (32, 32, 3)))
    np.save(folder / "images.npy", np.stack(images).clip(0, 255).astype(np.uint8))
    np.save(folder / "labels.npy", labels)


class Knn(unittest.TestCase):
    def test_every_client_finds_the_accuracy_that_the_program_prints(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "data").mkdir()
            write_stripes(folder / "data")
            subprocess.run([PROGRAM, "pretrain", "--preset", "quick", "--data", folder / "data", "--width", "0.25", "--stem",
                            "cifar-pool", "--batch-size", "16", "--epochs", "3", "--threads", "1", "--normalization",
                            "cifar10", "--out", folder / "run"], check=True, capture_output=True, timeout=600)
            found = json.loads(subprocess.run([sys.executable, PEER, PROGRAM, folder / "run", folder / "data", "--k", "20", "--json"],
                                              check=True, stdout=subprocess.PIPE, text=True, timeout=600).stdout)
        rows = {(row["client"], row["file"]): row for row in found["rows"]}
        self.assertEqual(len(rows), 9)
        expected = rows["simclr knn --run", "checkpoint"]["accuracy"]
        self.assertGreater(expected, 0.3)  # chance is 0.1
        for (name, file), row in rows.items():
            with self.subTest(client=name, file=file):
                self.assertAlmostEqual(row["accuracy"], expected, delta=1.5 / found["test_images"])  # a tie may fall otherwise
                if row["difference"] is not None:
                    self.assertLessEqual(row["difference"], TOLERANCE * max(1, found["largest_feature"]))


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
