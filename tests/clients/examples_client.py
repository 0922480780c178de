"""The examples, as their readers run them: the program and library installed, examples/cpp built against them by
find_package(simclr), examples/python beside it; both find the same neighbours of a picture.

usage: examples_client.py SIMCLR CMAKE BUILD      (BUILD: the build tree to install from)
"""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import client

np, Image, onnxruntime = client.need("numpy", "PIL.Image", "onnxruntime")
ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = CMAKE = BUILD = ""
TOLERANCE = 1e-3  # of cosines, printed to four places


def run(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise AssertionError(f"{command}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def neighbours(text):
    return [(int(index), float(cosine)) for index, cosine in (line.split() for line in text.splitlines())]


class Examples(unittest.TestCase):
    def test_both_find_the_same_neighbours(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            pictures = folder / "pictures"
            pictures.mkdir()
            random = np.random.default_rng(0)
            for i in range(12):
                colours = random.integers(0, 256, (2, 2, 3)).repeat(16, 0).repeat(16, 1).astype("uint8")
                Image.fromarray(colours).save(pictures / f"{i:02}.png")
            run(CMAKE, "--install", BUILD, "--prefix", folder / "installed")
            program = folder / "installed/bin/simclr"
            run(program, "pretrain", "--preset", "quick", "--shapes-images", 150, "--width", 0.25, "--batch-size", 16,
                "--epochs", 1, "--normalization", "cifar10", "--out", folder / "run")
            run(program, "export", "--run", folder / "run", "--format", "onnx", "--uint8-input", "--python", "none",
                "--out", folder / "encoder.onnx")
            run(program, "export", "--run", folder / "run", "--out", folder / "encoder.safetensors")
            run(CMAKE, "-S", ROOT / "examples/cpp", "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={folder / 'installed'}")
            run(CMAKE, "--build", folder / "build")
            found = neighbours(run(folder / "build/neighbours", folder / "encoder.safetensors", pictures, 3))
            expected = neighbours(run(sys.executable, ROOT / "examples/python/neighbours.py", folder / "encoder.onnx",
                                      pictures, 3))
            self.assertEqual(found[0], (3, 1.0))
            self.assertEqual(len(found), 6)
            for (_, cosine), (_, other) in zip(found, expected, strict=True):
                self.assertAlmostEqual(cosine, other, delta=TOLERANCE)
            checkpoint = neighbours(run(folder / "build/neighbours", folder / "run/checkpoints/best.safetensors", pictures, 3))
            self.assertEqual(checkpoint, found)


if __name__ == "__main__":
    PROGRAM, CMAKE, BUILD = sys.argv[1:4]
    del sys.argv[1:4]
    unittest.main()
