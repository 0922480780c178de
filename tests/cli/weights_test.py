"""Encoders from files alone, as a person uses them: scored and embedded with no run. Run by ctest as `weights_test.py PROGRAM`."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = ""
SMALL = ["--preset", "quick", "--shapes-images", "150", "--width", "0.25", "--stem", "cifar", "--batch-size", "16",
         "--head-hidden", "32", "--projection-dim", "16", "--threads", "1", "--normalization", "cifar10", "--seed", "3",
         "--train-percent", "0.8", "--epochs", "1", "--ema-decay", "0.9"]
USAGE = 2


def simclr(*args, folder=None):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIMCLR_")}
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, env=environment, cwd=folder, timeout=300)


class WeightsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.dir = Path(temporary.name)
        cls.run_folder = cls.dir / "run"
        cls.file = cls.dir / "encoder.safetensors"  # its metadata say everything
        for command in (["pretrain", *SMALL, "--out", cls.run_folder],
                        ["export", "--run", cls.run_folder, "--out", cls.file]):
            done = simclr(*command)
            if done.returncode:
                raise AssertionError(done.stderr)

    def run_ok(self, *args, **options):
        done = simclr(*args, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def expect_error(self, words, *args):
        done = simclr(*args)
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn(words, done.stderr)

    def lines(self, *args):
        """What --json prints, less what depends on how the encoder was named."""
        lines = json.loads(self.run_ok(*args, "--json").stdout)
        for line in lines:
            for key in ("checkpoint", "command", "confusion_file", "test_images_trained_on"):
                del line[key]
        return lines

    # ---- an export alone ----

    def test_every_protocol_scores_a_file_alone_as_it_scores_the_run(self):
        for command in (["knn"], ["linear"], ["linear", "--protocol", "sgd", "--epochs", 2],
                        ["finetune", "--freeze", "encoder", "--epochs", 2], ["finetune", "--freeze", "none", "--epochs", 1]):
            with self.subTest(command):
                alone = self.lines(*command, "--weights", self.file)
                self.assertEqual(alone, self.lines(*command, "--run", self.run_folder))
                self.assertEqual(alone[-1]["epoch"], 1)

    def test_a_file_alone_leaves_nothing_behind_and_says_so(self):
        empty = self.dir / "empty"
        empty.mkdir()
        done = self.run_ok("knn", "--weights", self.file, "--no-pixels", folder=empty)
        self.assertIn("Nothing was kept", done.stderr)
        self.assertEqual(list(empty.iterdir()), [])

    def test_a_file_alone_embeds_as_its_run_does(self):
        vectors = []
        for name, option in {"by-run": ["--run", self.run_folder], "by-file": ["--weights", self.file]}.items():
            self.run_ok("embed", *option, "--out", self.dir / name)
            vectors.append((self.dir / name / "embeddings.npy").read_bytes())
        self.assertEqual(vectors[0], vectors[1])

    def test_other_images_are_prepared_as_the_file_says(self):
        run = self.dir / "scores"
        self.run_ok("knn", "--weights", self.file, "--data", "shapes10", "--shapes-images", 120, "--run", run, "--no-pixels")
        config = (run / "config.yaml").read_text()
        for line in ("normalization: cifar10", "image_size: 32", "stem: cifar", "width: 0.25", "shapes_images: 120"):
            self.assertIn(line, config)
        self.assertEqual(len((run / "results.jsonl").read_text().splitlines()), 2)

    def test_in_a_run_that_normalised_otherwise_the_file_is_prepared_as_it_says(self):
        other = self.dir / "other"
        self.run_ok("pretrain", *SMALL, "augment.normalization=none", "--out", other)
        alone, beside = (self.lines("knn", "--weights", self.file, *run)[-1] for run in ((), ("--run", other)))
        self.assertEqual(alone, beside)
        for key in ("test_accuracy", "encoder_sha256", "protocol_text"):
            self.assertEqual(beside[key], alone[key])

    def test_settings_over_the_files_still_count(self):
        line = self.lines("knn", "--weights", self.file, "augment.normalization=none", "--k", 7)[-1]
        self.assertNotEqual(line["test_accuracy"], None)
        self.assertEqual(line["details"]["k"], 7)

    # ---- checkpoints ----

    def test_a_checkpoint_alone_has_the_weights_and_their_average(self):
        checkpoint = self.dir / "moved.safetensors"
        shutil.copy(self.run_folder / "checkpoints/last.safetensors", checkpoint)
        for option in ([], ["--ema"]):
            alone, by_run = self.lines("knn", "--weights", checkpoint, *option), self.lines(
                "knn", "--run", self.run_folder, "--checkpoint", "last", *option)
            if option:  # an average has no counters of batches: they are part of the digest, and of nothing that is computed
                for line in (alone[-1], by_run[-1]):
                    del line["encoder_sha256"], line["encoder_sha256_after"]
            self.assertEqual(alone, by_run)
        self.expect_error("no average of the weights is in it", "knn", "--weights", self.file, "--ema")

    # ---- exports ----

    def test_in_a_run_the_scores_of_other_weights_stand_beside_its_own(self):
        run = self.dir / "scored"
        shutil.copytree(self.run_folder, run)
        for more in ([], ["--checkpoint", "last"], ["--ema"], ["--weights", self.file]):
            self.run_ok("knn", "--run", run, "--no-pixels", *more)
        report = (run / "report.md").read_text()
        for name in ("kNN", "knn of last", "knn of ema", "knn of encoder.safetensors"):
            self.assertRegex(report, rf"(?m)^\| {name} \| \d")

    def test_a_model_that_onnx_runtime_computes_otherwise_is_no_export(self):
        for difference, code in ((1e-6, 0), (0.5, 1)):
            python = self.dir / "python"
            python.write_text(f"#!/bin/sh\necho '{{\"version\": \"9\", \"largest_difference\": {difference}}}'\n")
            python.chmod(0o755)
            model = self.dir / f"{code}.onnx"
            done = simclr("export", "--run", self.run_folder, "--format", "onnx", "--out", model, "--python", python)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(model.exists(), code == 0)
            self.assertFalse((self.dir / f"unchecked-{code}.onnx").exists())
        self.assertIn("what ONNX Runtime 9 computes differs from the model by 0.5", done.stderr)

    def test_a_model_that_onnx_runtime_refuses_does_not_replace_an_older_one(self):
        model, python = self.dir / "kept.onnx", self.dir / "refusing"
        self.run_ok("export", "--run", self.run_folder, "--format", "onnx", "--out", model, "--python", "none")
        before = model.read_bytes()
        for script in ("echo '{\"version\": \"9\", \"largest_difference\": 0.5}'", "echo no >&2; exit 1"):
            python.write_text(f"#!/bin/sh\n{script}\n")
            python.chmod(0o755)
            for command in (["export", "--run", self.run_folder, "--format", "onnx", "--uint8-input", "--out", model],
                            ["convert", self.file, model, "--uint8-input"]):
                done = simclr(*command, "--overwrite", "--python", python)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("othing was written", done.stderr)
                self.assertEqual(model.read_bytes(), before)
        self.run_ok("convert", self.file, model, "--uint8-input", "--overwrite", "--python", "none")
        self.assertNotEqual(model.read_bytes(), before)

    def test_pixels_are_normalised_as_somebody_says(self):
        foreign = self.foreign("unsaid.safetensors")
        words = ("convert", foreign, self.dir / "unsaid.onnx", "--stem", "cifar", "--uint8-input", "--python", "none")
        self.expect_error("--normalization imagenet", *words)
        self.run_ok(*words, "--normalization", "cifar10")

    def test_inspect_shows_texts_as_they_are(self):
        text = self.run_ok("inspect", self.file).stdout
        self.assertRegex(text, r'classes +\["disc","square",')

    # ---- what is not said ----

    def foreign(self, name, without=()):
        """The export as another program would have written it: no metadata."""
        content = self.file.read_bytes()
        size = int.from_bytes(content[:8], "little")
        header, data, kept, end = json.loads(content[8:8 + size]), content[8 + size:], {}, 0
        parts = []
        for tensor, entry in header.items():
            if tensor == "__metadata__" or tensor in without:
                continue
            parts.append(data[slice(*entry["data_offsets"])])
            kept[tensor] = {**entry, "data_offsets": [end, end + len(parts[-1])]}
            end += len(parts[-1])
        text = json.dumps(kept).encode()
        path = self.dir / name
        path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))
        return path

    def test_what_a_file_does_not_say_is_asked_for_or_named(self):
        foreign = self.foreign("foreign.safetensors")
        self.expect_error("--stem cifar (no max-pool)", "knn", "--weights", foreign, "--data", "shapes10")
        self.expect_error("does not say what images it was trained on", "knn", "--weights", foreign, "--stem", "cifar")
        given = ("--weights", foreign, "--stem", "cifar", "--data", "shapes10", "--shapes-images", 100, "--no-pixels")
        said = self.run_ok("knn", *given).stderr
        self.assertIn("How its images were normalised it does not say: taken as none", said)
        self.assertIn("How large they were it does not say: taken as the data's", said)
        self.assertIn("taken as cifar10", self.run_ok("knn", *given, "augment.normalization=cifar10").stderr)

    def test_what_a_file_lacks_is_an_error_unless_it_is_allowed(self):
        lacking = ["--weights", self.foreign("lacking.safetensors", ["bn1.bias"]), "--stem", "cifar", "--data", "shapes10",
                   "--shapes-images", 100, "--no-pixels"]
        failed = simclr("knn", *lacking)
        self.assertEqual(failed.returncode, 3)
        self.assertRegex(failed.stderr, r"bn1.bias +not in the file")
        self.assertIn("--allow-missing", failed.stderr)
        self.assertRegex(self.run_ok("knn", *lacking, "--allow-missing", "bn1.bias").stderr, r"bn1.bias +missing, as allowed")

    def test_options_that_contradict_each_other_are_errors(self):
        self.expect_error("which encoder?", "knn")
        self.expect_error("which encoder?", "embed", "--out", self.dir / "x")
        self.expect_error("--weights", "linear", "--run", self.run_folder, "--stem", "cifar")
        self.expect_error("--checkpoint", "knn", "--weights", self.file, "--checkpoint", "last")
        self.expect_error("not its head", "knn", "--weights", self.file, "--on", "projection")
        self.expect_error("its stem is cifar, not cifar-pool", "knn", "--weights", self.file, "--stem", "cifar-pool")


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
