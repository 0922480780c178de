"""Studies as a person runs them: interrupted, shared, failing. Run by ctest as `study_test.py PROGRAM`."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM = ""
CONFIGS = Path(__file__).resolve().parents[2] / "configs"
USAGE, DATA, DIVERGED, STOPPED = 2, 3, 4, 75
SMALL = ["--preset", "quick", "--shapes-images", "150", "--width", "0.25", "--batch-size", "16", "--head-hidden", "32",
         "--projection-dim", "16", "--threads", "1", "--epochs", "2", "--finetune-epochs", "2"]
STUDY = """
title: Small
measure: {batch_size: 16}
sub_studies:
  - {name: temperature, grid: {temperature: [0.1, 0.2, 0.5]}}
  - {name: head, grid: {head: [none, mlp-bn]}}
"""


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("SIMCLR_")}


def start(*args):
    return subprocess.Popen([PROGRAM, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment())


def simclr(*args):
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, env=environment(), timeout=900)


class StudyTest(unittest.TestCase):
    def setUp(self):
        self._temp = tempfile.TemporaryDirectory()
        self.addCleanup(self._temp.cleanup)
        self.dir = Path(self._temp.name)
        self.file = self.dir / "small.yaml"
        self.file.write_text(STUDY)
        self.out = self.dir / "out"

    def study(self, *more, out=None):
        return ["study", self.file, *SMALL, "--out", out or self.out, *more]

    def run_ok(self, *args):
        done = simclr(*args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def states(self, out=None):
        return {path.stem: json.loads(path.read_text())["stage"] for path in ((out or self.out) / "states").glob("*.json")}

    def results(self, out=None):
        """Of each trial what does not depend on when and where it was run."""
        kept = {}
        for path in sorted((out or self.out).glob("trials/*/results.jsonl")):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            kept[path.parent.name] = [(r["protocol"], r["encoder"], r["test_accuracy"], r["encoder_sha256"]) for r in lines]
        return kept

    # ---- the whole of it ----

    def test_trials_that_coincide_are_run_once_and_shown_in_each(self):
        done = self.run_ok(*self.study())
        self.assertEqual(set(self.states().values()), {"done"})
        self.assertEqual(len(self.states()), 4)  # temperature 0.2 is the base, as is head mlp-bn
        self.assertIn("(temperature, head)", done.stderr)
        for name in ("temperature", "head"):
            with open(self.out / f"tables/{name}.csv", newline="") as file:
                rows = list(csv.DictReader(file))
            self.assertTrue({"knn", "linear", "finetune", "common_top1", "val_loss"} <= {row["figure"] for row in rows})
        temperature, head = ((self.out / f"tables/{n}.csv").read_text() for n in ("temperature", "head"))
        row = lambda text, arm: next(line for line in text.splitlines() if f",{arm},linear," in line).split(",", 2)[2]
        self.assertEqual(row(temperature, "0.2"), row(head, "mlp-bn"))
        for name in ("report.html", "report.md", "plots/temperature-loss.pdf"):
            self.assertTrue((self.out / name).is_file(), name)

    def test_a_second_call_does_nothing_again(self):
        self.run_ok(*self.study())
        before = {path: path.stat().st_mtime_ns for path in self.out.glob("trials/*/checkpoints/*")}
        self.run_ok(*self.study())
        self.assertEqual({path: path.stat().st_mtime_ns for path in self.out.glob("trials/*/checkpoints/*")}, before)

    def test_more_values_are_added_to_a_study_that_is_there(self):
        self.file.write_text(STUDY.replace("[0.1, 0.2, 0.5]", "[0.1]"))
        self.run_ok(*self.study())
        self.file.write_text(STUDY)
        self.run_ok(*self.study("--only", "temperature"))
        self.assertEqual(len(self.states()), 4)

    def test_an_evaluation_is_added_to_trials_that_are_done(self):
        self.file.write_text("evaluate: [knn]\n" + STUDY)
        self.run_ok(*self.study("--trials", "1-2"))
        before = {path: path.stat().st_mtime_ns for path in self.out.glob("trials/*/checkpoints/*")}
        self.file.write_text("evaluate: [knn, linear]\n" + STUDY)
        self.run_ok(*self.study("--trials", "1-2"))
        self.assertEqual({path: path.stat().st_mtime_ns for path in self.out.glob("trials/*/checkpoints/*")}, before)
        for rows in self.results().values():
            self.assertEqual([(protocol, encoder) for protocol, encoder, *_ in rows],
                             [(p, e) for p in ("knn", "linear") for e in ("random", "trained")])

    def test_a_study_of_another_measure_or_other_weights_is_not_gone_on_with(self):
        def expect(words, *more):
            done = simclr(*self.study(*more))
            self.assertEqual(done.returncode, USAGE, done.stderr)
            self.assertIn(words, done.stderr)
            self.assertIn("--overwrite", done.stderr)

        weights = self.dir / "w.safetensors"
        init = STUDY.split("sub_studies")[0] + "sub_studies: [{name: init, grid: {init: [random, source]}}]\n"
        self.file.write_text(init)
        weights.write_bytes(b"some")
        self.run_ok(*self.study("--trials", "1", "--init", weights))  # the arm that does not need them
        self.file.write_text(init.replace("batch_size: 16", "batch_size: 8"))
        expect("measure.batch_size: 16 there, 8 now", "--init", weights)
        self.file.write_text(init)
        weights.write_bytes(b"others")
        expect("trial init=w.safetensors: other initial weights", "--init", weights)

    def test_arms_start_from_weights_that_the_study_makes(self):
        self.file.write_text(STUDY.split("sub_studies")[0] + """
source: {data: {train_percent: 0.5, train_rest: true}, train: {objective: supervised, epochs: 1}}
sub_studies: [{name: init, grid: {init: [random, source]}}]
""")
        self.run_ok(*self.study())
        self.assertEqual(self.states(), {"base": "done", "source": "done", "init=source": "done"})
        encoders = {name: rows[-1][3] for name, rows in self.results().items()}
        self.assertNotEqual(encoders["base"], encoders["init=source"])
        self.assertIn("trial source", (self.out / "report.md").read_text())

    # ---- stopping and going on ----

    def wait_for(self, process, text):
        seen = ""
        for line in process.stderr:
            seen += line
            if text in line:
                return
        self.fail("ended before it said so:\n" + seen)

    def test_killed_in_a_trial_it_goes_on_inside_it(self):
        more = ["train.epochs=6"]
        self.run_ok(*self.study(*more))
        killed = self.dir / "killed"
        process = start(*self.study(*more, out=killed))
        self.wait_for(process, "[2/4 base] Epoch 3/6")
        process.kill()
        process.communicate()
        again = self.run_ok(*self.study(*more, out=killed))
        self.assertIn("Resuming after epoch", again.stderr)
        self.assertNotIn("[1/4 ", again.stderr)  # it was done
        self.assertEqual(self.results(killed), self.results())

    def test_a_signal_saves_and_exits_with_75(self):
        process = start(*self.study("train.epochs=1000"))
        self.wait_for(process, "Epoch 1/1000")
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=120)
        self.assertEqual(process.returncode, STOPPED, stderr)
        self.assertIn("Go on with the same command", stderr)
        self.assertEqual(list((self.out / "locks").iterdir()), [])
        status = self.run_ok(*self.study("train.epochs=1000", "--status")).stdout
        self.assertRegex(status, r"1  temperature=0.1 +stopped after epoch \d+/1000")
        self.assertIn("0 done, 0 failed, 4 left", status)

    # ---- several at once ----

    def test_two_processes_share_a_folder_and_run_no_trial_twice(self):
        for shards in (("--shard", "1/2"), ("--shard", "2/2")), ((), ()):
            out = self.dir / ("shards" if shards[0] else "free")
            processes = [start(*self.study(*shard, out=out)) for shard in shards]
            logs = [process.communicate(timeout=600)[1] for process in processes]
            self.assertEqual([process.returncode for process in processes], [0, 0], logs)
            self.assertEqual(set(self.states(out).values()), {"done"})
            self.assertEqual(len(self.states(out)), 4)
            for name in self.states(out):
                began = [len(re.findall(rf" {re.escape(name)}\] Epoch 1/2 .*Val Loss", log)) for log in logs]
                self.assertEqual(sum(began), 1, (name, began))
                lines = (out / f"trials/{name}/results.jsonl").read_text().splitlines()
                self.assertEqual(len(lines), 6)
            self.assertTrue(all("] Epoch 1/2" in log for log in logs), "one did everything")
        self.assertEqual(self.results(self.dir / "shards"), self.results(self.dir / "free"))

    def test_a_lock_of_a_process_that_was_killed_does_not_last(self):
        process = start(*self.study("train.epochs=1000"))
        self.wait_for(process, "Epoch 1/1000")
        process.kill()
        process.communicate()
        self.assertEqual([path.name for path in (self.out / "locks").iterdir()], ["temperature=0.1"])
        status = self.run_ok(*self.study("train.epochs=1000", "--status")).stdout
        self.assertRegex(status, r"temperature=0.1 +stopped after epoch")

    def test_trials_are_chosen_by_number_and_by_sub_study(self):
        self.run_ok(*self.study("--trials", "4"))
        self.assertEqual(self.states(), {"head=none": "done"})
        self.run_ok(*self.study("--only", "temperature", "--trials", "1,3-4"))
        self.assertEqual(set(self.states()), {"head=none", "temperature=0.1", "temperature=0.5"})

    # ---- failing ----

    def test_a_trial_that_diverges_is_marked_and_the_others_go_on(self):
        self.file.write_text(STUDY.split("sub_studies")[0] + """
base: {optim: {optimizer: sgd}, model: {head: mlp}}
sub_studies: [{name: lr, grid: {lr: [1e38, 0.01]}}]
""")
        done = simclr(*self.study())
        self.assertEqual(done.returncode, DIVERGED, done.stderr)
        self.assertEqual(sorted(self.states().values()), ["done", "failed"])
        self.assertIn("This trial failed: the training loss is not finite", done.stderr)
        self.assertIn("not finite", (self.out / "report.md").read_text())
        again = simclr(*self.study())
        self.assertEqual(again.returncode, DIVERGED)
        self.assertNotIn("] Epoch", again.stderr)  # it would diverge again

    def test_a_trial_that_fails_is_tried_anew_the_next_time(self):
        self.file.write_text(STUDY.split("sub_studies")[0] + "sub_studies: [{name: batch, grid: {batch_size: [16, 4096]}}]\n")
        done = simclr(*self.study())
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("failed: --batch-size 4096 is more than the 120 training images", done.stderr)
        self.assertRegex(done.stderr, r"batch-size=4096 +failed: .*\n1 done, 1 failed, 0 left")
        self.assertEqual(sorted(self.states().values()), ["done", "failed"])
        state = json.loads((self.out / "states/batch-size=4096.json").read_text())
        self.assertIn("training images. Lower --batch-size", state["reason"])
        self.assertIn("This trial failed", simclr(*self.study()).stderr)

    # ---- without running ----

    def test_a_dry_run_lists_the_trials_with_their_times_and_writes_nothing(self):
        done = self.run_ok(*self.study("--dry-run"))
        self.assertRegex(done.stdout, r"1  temperature=0\.1 +0\.\d+ +14 ")
        self.assertIn("In all ", done.stdout)
        self.assertFalse(self.out.exists())

    def test_a_time_budget_is_what_training_takes(self):
        done = self.run_ok(*self.study("--dry-run", "--trials", "1", "train.batch_size=64", "train.time_budget=10m",
                                       "train.patience=1"))
        self.assertRegex(done.stdout, r"1  temperature=0\.1 .* 1\d min \d\d s\n")

    def test_slurm_gets_a_task_for_each_trial(self):
        script = self.run_ok(*self.study("--emit", "slurm")).stdout
        self.assertIn("#SBATCH --array=1-4\n", script)
        self.assertIn(f"simclr study {self.file} ", script)
        self.assertIn('--trials "$SLURM_ARRAY_TASK_ID"', script)
        self.assertNotIn("--emit", script)
        self.assertEqual(script.count("--threads"), 1)  # SMALL has some, too
        self.assertIn("#SBATCH --signal=B:USR1@120 ", script)
        self.assertEqual(subprocess.run(["bash", "-n"], input=script, text=True).returncode, 0)
        words = self.study("--emit=slurm", "--only", "head", "data.source=shapes10")
        at = words.index("--threads")
        chosen = self.run_ok(*words[:at], "--threads=3", *words[at + 2:]).stdout
        self.assertIn("#SBATCH --array=2,4\n", chosen)
        for flag in ("--emit", "--only", "--threads=3"):
            self.assertNotIn(flag, chosen)
        self.assertIn(' data.source=shapes10 --trials "$SLURM_ARRAY_TASK_ID" --threads ', chosen)
        for more in (["--overwrite"], ["--trials", "1"], ["--shard", "1/2"]):
            refused = simclr(*self.study("--emit", "slurm", *more))
            self.assertEqual(refused.returncode, USAGE, refused.stderr)
            self.assertIn(more[0], refused.stderr)

    def test_errors_say_what_to_do(self):
        def expect(words, *args, code=USAGE):
            done = simclr(*args)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr)

        expect("which study?", "study", "--out", self.out)
        expect("no such file", "study", self.dir / "none.yaml", "--out", self.out)
        expect("Trials are numbered 1 to 4", *self.study("--trials", "5"))
        expect("--shard '3/2'", *self.study("--shard", "3/2"))
        expect("Did you mean 'temperature'?", *self.study("--only", "temprature"))
        expect("the common measure needs 16 validation images", *self.study("data.shapes_images=100", "data.validation_percent=0.1"))
        self.assertFalse(self.out.exists())
        self.out.mkdir()
        (self.out / "mine.txt").write_text("x")
        expect("exists and is not a study's folder", *self.study())
        self.run_ok(*self.study("--trials", 1, out=self.dir / "b"))
        expect("train.epochs: 2 there, 3 now", *self.study("train.epochs=3", out=self.dir / "b"))
        expect("no run has a metric 'val_los'", "plot", self.dir / "b/trials/temperature=0.1", "--metric", "val_los")

    def test_plot_draws_any_metric_of_any_runs(self):
        self.run_ok(*self.study("--trials", "1-2"))
        runs = sorted((self.out / "trials").iterdir())
        done = self.run_ok("plot", *runs, "--metric", "val_loss,train_loss", "--out", self.dir / "pictures/loss")
        for line in done.stdout.splitlines():
            self.assertGreater(Path(line).stat().st_size, 1000)

    def test_the_quick_study_runs_whole(self):
        begin = time.monotonic()
        done = simclr("study", CONFIGS / "study_quick.yaml", "--out", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(self.states().values()), {"done"})
        report = (self.out / "report.md").read_text()
        for heading in ("## Claims", "## temperature", "## batch size", "## projection head", "## initial weights",
                        "## Pictures of an encoder"):
            self.assertIn(heading, report)
        print(f"the quick study took {time.monotonic() - begin:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
