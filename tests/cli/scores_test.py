"""Scores that would mislead, and what is said instead. Run by ctest as `scores_test.py PROGRAM`."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = ""
SMALL = ["--preset", "quick", "--shapes-images", "120", "--width", "0.25", "--batch-size", "16", "--head-hidden", "32",
         "--projection-dim", "16", "--threads", "1", "--epochs", "1"]
USAGE = 2


class ScoresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._temp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls._temp.cleanup)
        cls.dir = Path(cls._temp.name)
        for name, more in (("a", ["--seed", 1]), ("b", ["--seed", 2]), ("other", ["--subset-classes", 5])):
            cls.run_ok("pretrain", *SMALL, *more, "--out", cls.dir / name)

    @classmethod
    def simclr(cls, *args):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SIMCLR_")}
        return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, timeout=300, env=environment)

    @classmethod
    def run_ok(cls, *args):
        done = cls.simclr(*args)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done

    def assert_refused(self, words, *args):
        done = self.simclr(*args)
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn(words, done.stderr)

    def runs(self, *names):
        return [word for name in names for word in ("--run", self.dir / name)]

    def test_runs_with_the_same_test_images_have_a_mean(self):
        self.assertIn("knn, 2 runs", self.run_ok("knn", *self.runs("a", "b")).stdout)

    def test_runs_with_other_test_images_have_none(self):
        self.assert_refused("have other test images: their mean would say nothing", "knn", *self.runs("a", "other"))
        self.run_ok("knn", *self.runs("a", "other"), "--subset-classes", 5)  # the same for both

    def test_runs_with_another_protocol_have_none(self):
        config = self.dir / "b" / "config.yaml"
        text = config.read_text()
        self.addCleanup(config.write_text, text)
        changed = text.replace("protocol: lbfgs", "protocol: sgd")
        self.assertNotEqual(changed, text)
        config.write_text(changed)
        self.assert_refused("linear.protocol is lbfgs in", "linear", *self.runs("a", "b"))

    def test_settings_without_effect_are_refused(self):
        run = self.runs("a")
        self.assert_refused("--epochs has no effect here", "linear", *run, "--epochs", 3)
        self.assert_refused("--iterations has no effect here", "linear", *run, "--protocol", "sgd", "--iterations", 3)
        self.assert_refused("--on has no effect here", "finetune", *run, "--freeze", "none", "--on", "projection")
        self.assert_refused("--precision has no effect here", "knn", *run, "--precision", "bf16")
        self.assert_refused("run.precision has no effect here", "knn", *run, "run.precision=bf16")
        self.assert_refused("--subset-classes has no effect here", "embed", *run, "--subset-classes", 2,
                            "--out", self.dir / "vectors")

    def test_other_images_are_shown_at_the_side_of_training(self):
        folder = self.dir / "photos"
        folder.mkdir()
        pixels = bytes(i * 7 % 251 for i in range(40 * 30 * 30 * 3))
        header = "{'descr': '|u1', 'fortran_order': False, 'shape': (40, 30, 30, 3), }".ljust(117) + "\n"
        (folder / "images.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") +
                                            header.encode() + pixels)
        header = "{'descr': '|u1', 'fortran_order': False, 'shape': (40,), }".ljust(117) + "\n"
        (folder / "labels.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") +
                                            header.encode() + bytes(i % 2 for i in range(40)))
        done = self.run_ok("knn", *self.runs("a"), "--data", folder, "--json")
        self.assertIn("Images are shown at 32x32, as in training", done.stderr + done.stdout)
        self.run_ok("report", self.dir / "a")
        report = (self.dir / "a" / "report.md").read_text()
        self.assertIn("knn on photos (8 images)", report)

    def test_results_say_which_test_images_they_are_of(self):
        own = json.loads((self.dir / "a" / "images.json").read_text())["test"]["sha256"]
        line = json.loads(self.run_ok("knn", *self.runs("a"), "--json").stdout)[-1]
        self.assertEqual((line["test_sha256"], line["test_images_trained_on"]), (own, 0))


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
