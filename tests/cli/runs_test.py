"""Runs that meet trouble, as a person meets it: no space, no rights, signals. Run by ctest as `runs_test.py PROGRAM`."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = ""
SMALL = ["--preset", "quick", "--shapes-images", "100", "--width", "0.25", "--batch-size", "16", "--head-hidden", "32",
         "--projection-dim", "16", "--threads", "1"]
FAILED, USAGE, STOPPED = 1, 2, 75
CONSTANT = ["--schedule", "constant"]  # more epochs then go on as if they had been asked for at once
NOBODY = 65534


def command(*args):
    return [PROGRAM, *map(str, args)]


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("SIMCLR_")}


class RunsTest(unittest.TestCase):
    def setUp(self):
        self._temp = tempfile.TemporaryDirectory()
        self.addCleanup(self._temp.cleanup)
        self.dir = Path(self._temp.name)
        self.run_folder = self.dir / "a"

    def pretrain(self, *args, **options):
        return subprocess.run(command("pretrain", *SMALL, *args, "--out", self.run_folder), capture_output=True,
                              text=True, env=environment(), timeout=300, **options)

    def contents(self):
        return {path.name: path.read_bytes() for path in (self.run_folder / "checkpoints").iterdir()}

    def assert_goes_on(self, whole):
        """The run resumes to the end, with the bits of one that met no trouble."""
        done = self.pretrain("--epochs", 3, *CONSTANT, "--resume")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(self.contents()["last.safetensors"] == whole, "not the same bits")

    def whole_run(self):
        done = self.pretrain("--epochs", 3, *CONSTANT)
        self.assertEqual(done.returncode, 0, done.stderr)
        last = self.contents()["last.safetensors"]
        shutil.rmtree(self.run_folder)
        return last

    def test_a_file_that_may_not_grow_is_an_error_and_keeps_what_there_is(self):
        # A quota, as the system sees it: writing beyond so many bytes fails. A full disk fails in the same call.
        whole = self.whole_run()
        first = self.pretrain("--epochs", 1, *CONSTANT)
        self.assertEqual(first.returncode, 0, first.stderr)
        before = self.contents()

        def little_space():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        done = self.pretrain("--epochs", 3, *CONSTANT, "--resume", preexec_fn=little_space)
        self.assertEqual(done.returncode, FAILED, done.stderr)
        self.assertIn("next.safetensors: cannot write: File too large", done.stderr)
        self.assertIn("go on with --resume", done.stderr)
        self.assertTrue(self.contents() == before, "a checkpoint was changed")
        self.assert_goes_on(whole)

    @unittest.skipUnless(os.geteuid() == 0, "needs to start a program as another user")
    def test_a_folder_where_one_may_not_write_is_an_error_and_keeps_what_there_is(self):
        whole = self.whole_run()
        self.assertEqual(self.pretrain("--epochs", 1, *CONSTANT).returncode, 0)
        before = self.contents()
        for path in (self.dir, self.run_folder, self.run_folder / "checkpoints"):
            path.chmod(0o755)
        done = self.pretrain("--epochs", 3, *CONSTANT, "--resume", user=NOBODY)
        self.assertEqual(done.returncode, FAILED, done.stderr)
        self.assertIn("Permission denied", done.stderr)
        self.assertTrue(self.contents() == before, "a checkpoint was changed")
        done = subprocess.run(command("pretrain", *SMALL, "--epochs", 1, "--out", self.dir / "b"), text=True,
                              capture_output=True, env=environment(), timeout=300, user=NOBODY)
        self.assertEqual(done.returncode, FAILED, done.stderr)
        self.assertIn("Choose an --out where you may write.", done.stderr)
        self.assert_goes_on(whole)

    def test_a_second_signal_leaves_at_once_and_loses_nothing_that_was_saved(self):
        process = subprocess.Popen(command("pretrain", *SMALL, "--epochs", 1000, "--out", self.run_folder),
                                   stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
        for line in process.stderr:
            if line.startswith("Epoch 2/"):
                break
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGUSR1)
        process.communicate(timeout=60)
        self.assertIn(process.returncode, (1, STOPPED))  # 75 if it had already saved and left
        whole = len((self.run_folder / "metrics.jsonl").read_text().splitlines())
        done = self.pretrain("--resume", "--epochs", whole + 1)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_more_epochs_extend_a_run_and_say_what_that_does_to_the_rate(self):
        self.assertEqual(self.pretrain("--epochs", 1).returncode, 0)
        done = self.pretrain("--resume", "--epochs", 2)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 epochs instead of 1: the cosine schedule now ends at epoch 2", done.stderr)
        self.assertEqual(len((self.run_folder / "metrics.jsonl").read_text().splitlines()), 2)

    def test_a_run_that_ended_and_lost_its_metrics_says_so(self):
        self.assertEqual(self.pretrain("--epochs", 1).returncode, 0)
        (self.run_folder / "metrics.jsonl").unlink()
        done = self.pretrain("--resume", "--epochs", 1)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("trained already, best at epoch 1; its metrics are lost", done.stdout)
        lost = json.loads(self.pretrain("--resume", "--epochs", 1, "--json").stdout)
        self.assertEqual((lost["epoch"], lost["train_loss"], lost["best_epoch"]), (0, None, 1))

    def test_initial_weights_named_again_must_be_the_same(self):
        self.assertEqual(self.pretrain("--epochs", 1).returncode, 0)
        init = ("--init", self.run_folder / "checkpoints/last.safetensors")
        done = self.pretrain("--resume", *init)
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("was started from random weights, not from", done.stderr)
        self.run_folder = self.dir / "b"
        for more in (("--epochs", 1), ("--epochs", 2, "--resume")):
            done = self.pretrain(*init, *more)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{init[1]}, encoder SHA-256 ", (self.run_folder / "init.txt").read_text())
        done = self.pretrain("--resume", "--allow-missing", "bn1.bias")
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("--init", done.stderr)

    def test_a_demo_replaces_a_demo_and_nothing_else(self):
        self.assertEqual(self.pretrain("--epochs", 1).returncode, 0)
        before = self.contents()

        def demo(out):
            return subprocess.run(command("demo", "--epochs", 1, "--width", 0.25, "--batch-size", 16, "--threads", 1,
                                          "data.shapes_images=100", "--out", out), capture_output=True, text=True,
                                  env=environment(), timeout=300)

        done = demo(self.run_folder)
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("exists, and is no demo's run", done.stderr)
        self.assertTrue(self.contents() == before, "a checkpoint was changed")
        for _ in range(2):
            done = demo(self.dir / "demo")
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_flags_that_the_objective_has_no_use_for_are_told(self):
        done = self.pretrain("--epochs", 1, "--objective", "supervised", "--temperature", 0.1)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Note: --temperature has no effect", done.stderr)
        self.assertNotIn("--loss has no effect", done.stderr)

    def test_a_time_budget_becomes_epochs(self):
        done = self.pretrain("--time-budget", "1s", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Time budget 1 s: an epoch takes about", done.stderr)
        self.assertGreaterEqual(json.loads(done.stdout)["epoch"], 1)
        config = (self.run_folder / "config.yaml").read_text()
        self.assertIn('time_budget: none', config)
        done = self.pretrain("--time-budget", "soon")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("a time, as 45s, 90m or 1.5h", done.stderr)
        done = self.pretrain("--time-budget", "1s", "--resume")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--time-budget is for a new run", done.stderr)

    def test_micro_batches_divide_the_batch(self):
        done = self.pretrain("--epochs", 1, "--micro-batch", 8)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("(32 views, 30 negatives each), in 2 micro-batches of 8", done.stderr)
        done = self.pretrain("--epochs", 1, "--micro-batch", 5, "--overwrite")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("train.micro_batch = 5 is not a divisor of train.batch_size = 16", done.stderr)

    def test_bench_loss_measures_each_number_of_views(self):
        done = subprocess.run(command("bench", "loss", "--views", "256,512", "--runs", 1, "--json"), text=True,
                              capture_output=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads(done.stdout)["rows"]
        self.assertEqual([row["views"] for row in rows], [256, 512])
        for row in rows:
            self.assertGreater(row["gflops"], 0)
            self.assertGreaterEqual(row["peak_mib"], 0)


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
