"""The program as a person uses it: commands, files, exit codes. Run by ctest as `cli_test.py PROGRAM`."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = ""
SMALL = ["--preset", "quick", "--shapes-images", "150", "--width", "0.25", "--batch-size", "16",
         "--head-hidden", "32", "--projection-dim", "16", "--threads", "1"]
USAGE, DATA, DIVERGED, STOPPED = 2, 3, 4, 75


def simclr(*args, **environment):
    env = {name: value for name, value in os.environ.items() if not name.startswith("SIMCLR_")}
    env.update(environment)
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, env=env, timeout=300)


class CliTest(unittest.TestCase):
    def setUp(self):
        self._temp = tempfile.TemporaryDirectory()
        self.addCleanup(self._temp.cleanup)
        self.dir = Path(self._temp.name)

    def run_ok(self, *args, **environment):
        done = simclr(*args, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def expect_error(self, code, words, *args, **environment):
        done = simclr(*args, **environment)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn("error:", done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")
        return done

    # ---- the whole path ----

    def test_pretrain_evaluate_and_report(self):
        run = self.dir / "a"
        trained = self.run_ok("pretrain", *SMALL, "--epochs", 2, "--out", run)
        self.assertIn("Epoch 1/2  Train Loss: ", trained.stderr)
        self.assertIn(" | Val Loss: ", trained.stderr)
        self.assertNotIn("\r", trained.stderr)
        with open(run / "metrics.csv", newline="") as file:
            self.assertEqual([row["epoch"] for row in csv.DictReader(file)], ["1", "2"])

        for command in ("knn", "linear"):
            table = self.run_ok(command, "--run", run).stdout
            self.assertRegex(table, rf"{command} +[0-9.]+ % +[0-9.]+ %")
        pair = json.loads(self.run_ok("finetune", "--run", run, "--freeze", "encoder", "--epochs", 3, "--json").stdout)
        self.assertEqual([line["encoder"] for line in pair], ["random", "pixels", "trained"])
        random, _, trained = pair
        self.assertEqual(len(trained["test_curve"]), 3)
        self.assertIn("Linear(128, 10)", trained["protocol_text"])
        self.assertNotEqual(random["encoder_sha256"], trained["encoder_sha256"])
        for line in (random, trained):
            self.assertEqual(line["encoder_sha256"], line["encoder_sha256_after"])

        results = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
        self.assertEqual([(r["protocol"], r["encoder"]) for r in results],
                         [(p, e) for p in ("knn", "linear", "finetune") for e in ("random", "pixels", "trained")])
        report = (run / "report.md").read_text()
        for name in ("plots/loss.png", "plots/accuracy.png"):
            self.assertTrue((run / name).read_bytes().startswith(b"\x89PNG"), name)
            self.assertIn(name, report)
        for name in ("config.yaml", "command.txt", "environment.json", "train.log", "metrics.jsonl"):
            self.assertTrue((run / name).is_file(), name)

    def test_protocols_draw_anew_for_every_seed_and_keep_their_confusions(self):
        run = self.dir / "a"
        self.run_ok("pretrain", *SMALL, "--epochs", 1, "--out", run)
        lines = json.loads(self.run_ok("finetune", "--run", run, "--freeze", "none", "--labels", "50%", "--epochs", 1,
                                       "--seeds", 2, "--json").stdout)
        self.assertEqual([line["encoder"] for line in lines], ["random", "trained"])
        self.assertEqual([line["protocol"] for line in lines], ["finetune-whole-50%"] * 2)
        self.assertEqual([len(line["test_accuracies"]) for line in lines], [2, 2])
        self.assertEqual(lines[0]["details"]["labelled_sha256"], lines[1]["details"]["labelled_sha256"])
        with open(run / "evaluations/finetune-whole-50%-trained.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(sum(int(row["images"]) for row in rows), 2 * 75)
        table = self.run_ok("linear", "--run", run, "--protocol", "sgd", "--epochs", 2, "--seeds", 2).stdout
        self.assertRegex(table, r"linear-sgd +[0-9.]+ ± [0-9.]+ % +[0-9.]+ ± [0-9.]+ % +[0-9.]+ ± [0-9.]+ %")
        self.assertRegex(self.run_ok("knn", "--run", run, "--on", "projection").stdout, r"knn-projection .*\n  k = 1 ")
        twice = self.run_ok("knn", "--run", run, "--run", run, "--no-pixels").stdout
        self.assertRegex(twice, r"knn, 2 runs +[0-9.]+ ± 0\.00 % +[0-9.]+ ± 0\.00 % ")
        self.expect_error(USAGE, "finetune.labels", "finetune", "--run", run, "--labels", "folders")
        self.expect_error(USAGE, "knn.k", "knn", "--run", run, "--k", "none")

    # ---- vectors ----

    def write_npy(self, path, shape):
        header = "{'descr': '|u1', 'fortran_order': False, 'shape': %r, }" % (shape,)
        header = header.ljust(117) + "\n"
        size = shape[0] * shape[1] * shape[2] * shape[3]
        path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() +
                         bytes(i * 7 % 256 for i in range(size)))

    def test_embed_uses_what_the_run_used(self):
        run = self.dir / "a"
        self.run_ok("pretrain", *SMALL, "--epochs", 1, "--normalization", "cifar10", "--out", run)
        self.write_npy(self.dir / "photos.npy", (7, 20, 24, 3))
        out = self.dir / "vectors"
        done = self.run_ok("embed", "--run", run, "--data", self.dir / "photos.npy", "--out", out)
        self.assertIn("f32 [7, 128]", done.stdout)
        about = json.loads((out / "embeddings.json").read_text())
        self.assertEqual((about["side"], about["normalization"], about["images"]), (32, "cifar10", 7))
        self.assertEqual((out / "embeddings.npy").stat().st_size, 128 + 7 * 128 * 4)
        with open(out / "embeddings.csv", newline="") as file:
            self.assertEqual([row["name"] for row in csv.DictReader(file)], [f"train/{i}" for i in range(7)])
        self.expect_error(USAGE, "--overwrite", "embed", "--run", run, "--out", out)
        whole = json.loads(self.run_ok("embed", "--run", run, "--out", self.dir / "own", "--on", "projection",
                                       "--json").stdout)
        self.assertEqual((whole["images"], whole["width"]), (225, 16))

    def test_results_do_not_depend_on_the_folder_they_are_asked_from(self):
        run = self.dir / "a"
        self.run_ok("pretrain", *SMALL, "--epochs", 1, "--out", run)
        first = json.loads(self.run_ok("knn", "--run", run, "--json").stdout)
        again = json.loads(self.run_ok("knn", "--run", run, "--json").stdout)
        self.assertEqual([line["test_accuracy"] for line in first], [line["test_accuracy"] for line in again])

    def test_the_average_of_the_weights_is_scored_where_one_was_kept(self):
        run, plain = self.dir / "a", self.dir / "b"
        self.run_ok("pretrain", *SMALL, "--epochs", 1, "--ema-decay", 0.5, "--out", run)
        trained = json.loads(self.run_ok("knn", "--run", run, "--no-pixels", "--json").stdout)
        average = json.loads(self.run_ok("knn", "--run", run, "--no-pixels", "--ema", "--json").stdout)
        self.assertEqual([line["weights"] for line in trained + average], ["as trained"] * 3 + ["ema"])
        self.assertEqual(trained[0]["encoder_sha256"], average[0]["encoder_sha256"])
        self.assertNotEqual(trained[1]["encoder_sha256"], average[1]["encoder_sha256"])
        self.run_ok("pretrain", *SMALL, "--epochs", 1, "--out", plain)
        self.expect_error(USAGE, "--ema-decay", "knn", "--run", plain, "--ema")

    def test_supervised_objective_can_be_evaluated_too(self):
        run = self.dir / "a"
        self.run_ok("pretrain", *SMALL, "--objective", "supervised", "--epochs", 1, "--out", run)
        self.assertIn("linear", self.run_ok("linear", "--run", run).stdout)

    def test_study_of_one_setting_compares_its_values_and_goes_on(self):
        out = self.dir / "study"
        study = ["study", *SMALL, "--epochs", 1, "--finetune-epochs", 2, "--setting", "temperature",
                 "--out", out]
        self.run_ok(*study, "--values", "0.1")
        checkpoint = (out / "trials/temperature=0.1/checkpoints/last.safetensors").stat().st_mtime_ns
        table = self.run_ok(*study, "--values", "0.1,0.5").stdout
        self.assertEqual((out / "trials/temperature=0.1/checkpoints/last.safetensors").stat().st_mtime_ns, checkpoint)
        self.assertRegex(table, r"(?m)^0\.1 +1 ")
        self.assertRegex(table, r"(?m)^0\.5 +1 ")
        with open(out / "tables/temperature.csv", newline="") as file:
            arms = {row["arm"] for row in csv.DictReader(file)}
        self.assertEqual(arms, {"0.1", "0.5", "random encoder"})
        for name in ("loss", "accuracy"):
            self.assertTrue((out / f"plots/temperature-{name}.png").is_file())

    def test_preview_is_a_picture(self):
        self.run_ok("preview", "--shapes-images", 100, "--out", self.dir / "views.png")
        self.assertTrue((self.dir / "views.png").read_bytes().startswith(b"\x89PNG"))

    def test_preview_of_operations_is_another_picture(self):
        for name, more in (("views.png", ()), ("operations.png", ("--operations",))):
            self.run_ok("preview", "--shapes-images", 100, "--views", 2, "--out", self.dir / name, *more)
        views, operations = ((self.dir / name).read_bytes() for name in ("views.png", "operations.png"))
        self.assertTrue(operations.startswith(b"\x89PNG"))
        self.assertNotEqual(operations[16:24], views[16:24])  # width and height

    # ---- measuring ----

    def test_bench_of_protocols(self):
        small = ("--bank", 300, "--queries", 100, "--width", 16, "--rounds", 1, "--json")
        knn = json.loads(self.run_ok("bench", "knn", *small).stdout)
        self.assertGreater(knn["accuracy"], 0.12)
        self.assertGreater(knn["seconds"], 0)
        probe = json.loads(self.run_ok("bench", "probe", *small).stdout)
        self.assertGreater(probe["iterations"], 0)

    def test_bench_step_says_where_its_time_went(self):
        small = ("--width", 0.25, "--views", 16, "--steps", 3, "--warm-up", 1, "--json")
        row = json.loads(self.run_ok("bench", "step", *small, "--stem", "cifar-pool").stdout)
        self.assertEqual(row["engine"], "native, convolutions 1 f4s2, 3 map2, 10 f4, 5 direct")
        self.assertEqual(list(row["stages_ms"]), ["stem", "layer1", "layer2", "layer3", "layer4"])
        parts = sum(row["parts_ms"].values())
        self.assertLess(abs(parts - row["step_ms"]) / row["step_ms"], 0.5)
        self.assertLessEqual(row["slowest"], row["views_per_second"])
        self.assertGreater(row["executed_gflops"], 0)
        self.assertLess(row["share_of_peak"], 1)
        torch = json.loads(self.run_ok("bench", "step", *small, "--engine", "torch", "--forward").stdout)
        self.assertEqual(torch["engine"], "torch")
        self.assertNotIn("stages_ms", torch)
        self.assertEqual(torch["parts_ms"]["optimizer"], 0)
        self.expect_error(USAGE, "no instruction set 'avx9'", "bench", "step", *small, "--simd", "avx9")

    def test_bench_conv_times_every_algorithm_that_applies(self):
        done = json.loads(self.run_ok("bench", "conv", "--views", 2, "--seconds", 0.001, "--json").stdout)
        rows = {(row["side"], row["channels"]): row for row in done["rows"] if row["stride"] == 1}
        self.assertEqual(list(rows[1, 64]["ms"]), ["direct"])
        self.assertEqual(list(rows[2, 64]["ms"]), ["direct", "f2", "f4", "map2"])
        self.assertEqual(list(rows[8, 128]["ms"]), ["direct", "f2", "f4"])
        strided = [row for row in done["rows"] if row["stride"] == 2]
        self.assertEqual({tuple(row["ms"]) for row in strided}, {("direct", "f4s2")})
        self.assertEqual({row["table"] for row in strided}, {"direct", "f4s2"})
        self.assertEqual({row["table"] for row in done["rows"]}, {"direct", "map2", "f2", "f4", "f4s2"})

    def test_the_log_says_which_engine_trains(self):
        for engine, words in (("native", "Engine: native, convolutions "), ("torch", "Engine: torch; 1 threads")):
            done = self.run_ok("pretrain", *SMALL, "--epochs", 1, "--engine", engine, "--out", self.dir / engine)
            self.assertIn(words, done.stderr)
            self.assertEqual(bool(re.search(r"; [1-9]\d* MiB set aside for a step", done.stderr)), engine == "native")

    def test_bench_curves_places_each_engine_among_the_moved_runs(self):
        small = ("bench", "curves", "--width", 0.25, "--batch-size", 8, "--steps", 4, "--json")
        rows = json.loads(self.run_ok(*small, "--window", 2).stdout)
        self.assertEqual([row["name"] for row in rows[4:]], ["torch 4", "native exact", "native f4"])
        self.assertEqual([row["others"] for row in rows[4:]], [4, 5, 5])
        first = [row["mean_losses"][0] for row in rows]
        self.assertEqual(len(set(first)), len(rows))  # every run rounds in its own way
        self.assertLess(max(first) / min(first), 1.01)  # and only that
        self.expect_error(USAGE, "--steps 4 is not a multiple of --window 3", *small, "--window", 3)

    def test_bench_augment_times_what_it_is_asked_for(self):
        done = self.run_ok("bench", "augment", "--only", "seed", "--only", "[flip: {p: 1}]", "--seconds", 0.01,
                           "--python", "none", "--json")
        blocks = json.loads(done.stdout)["blocks"]
        self.assertEqual([[row["name"] for row in block["rows"]] for block in blocks],
                         [["seed", "[flip: {p: 1}]"]] * 2)
        for row in blocks[0]["rows"] + blocks[1]["rows"]:
            time = row["microseconds"]
            self.assertTrue(0 < time["low"] <= time["median"] <= time["high"], row)

    def test_bench_augment_goes_without_a_python_that_is_missing(self):
        done = self.run_ok("bench", "augment", "--only", "none", "--seconds", 0.01, "--python", self.dir / "nothing")
        self.assertIn("no Python with torchvision", done.stdout)

    def test_bench_loader_compares_workers_with_what_training_takes(self):
        done = self.run_ok("bench", "loader", "--shapes-images", 100, "--batch-size", 16, "--workers", "0,2",
                           "--seconds", 0.05, "--views-per-second", 100, "--json")
        result = json.loads(done.stdout)
        self.assertEqual([row["workers"] for row in result["rows"]], [0, 2])
        for row in result["rows"]:
            self.assertAlmostEqual(row["times_what_training_takes"], row["views_per_second"] / 100)
        self.assertAlmostEqual(result["share_of_a_core"], 100 / result["rows"][0]["views_per_second"])

    def test_bench_loader_says_when_no_batch_can_be_filled(self):
        done = simclr("bench", "loader", "--shapes-images", 100, "--batch-size", 5000)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("do not fill a batch of 5000", done.stderr)

    # ---- stopping and going on ----

    def start(self, *args):
        return subprocess.Popen([PROGRAM, *map(str, args)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait_for_epoch(self, process, epoch):
        for line in process.stderr:
            if line.startswith(f"Epoch {epoch}/"):
                return
        self.fail("the run ended before the epoch")

    def test_killed_and_resumed_equals_uninterrupted(self):
        training = ["pretrain", *SMALL, "--epochs", 6]
        self.run_ok(*training, "--out", self.dir / "whole")
        process = self.start(*training, "--out", self.dir / "killed")
        self.wait_for_epoch(process, 2)
        process.kill()
        process.communicate()
        self.run_ok(*training, "--out", self.dir / "killed", "--resume")
        for name in ("last", "best"):
            path = f"checkpoints/{name}.safetensors"
            self.assertEqual((self.dir / "killed" / path).read_bytes(), (self.dir / "whole" / path).read_bytes())

    def test_a_signal_saves_and_exits_with_75(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            run = self.dir / number.name
            process = self.start("pretrain", *SMALL, "--epochs", 1000, "--out", run)
            self.wait_for_epoch(process, 1)
            process.send_signal(number)
            _, stderr = process.communicate(timeout=60)
            self.assertEqual(process.returncode, STOPPED, stderr)
            self.assertIn("--resume", stderr)
            self.assertTrue((run / "checkpoints/last.safetensors").is_file())

    # ---- errors ----

    def test_usage_errors_exit_with_2_and_name_the_nearest(self):
        self.expect_error(USAGE, "--out", "pretrain")
        self.expect_error(USAGE, "simclr has no command 'pretain'\nDid you mean 'pretrain'? ", "pretain", "--out", "a")
        self.expect_error(USAGE, "bench has no command 'cnv'\nDid you mean 'conv'? ", "bench", "cnv")
        self.expect_error(USAGE, "simclr pretrain has no --temprature\nDid you mean '--temperature'? ", "pretrain",
                          "--out", self.dir / "a", "--temprature=1")
        self.expect_error(USAGE, "See `simclr bench conv --help`", "bench", "conv", "--views", "many")
        self.expect_error(USAGE, "there is no such folder", "knn", "--run", self.dir / "none")
        self.expect_error(USAGE, "is 20% or 0.2", "pretrain", "--train-percent", "20", "--out", self.dir / "a")
        self.expect_error(USAGE, "Did you mean 'cifar10'?", "pretrain", "--data", "CIFAR-10", "--out", self.dir / "a")
        self.expect_error(USAGE, "temprature", "pretrain", "--out", self.dir / "a", "temprature=1")
        self.expect_error(USAGE, "Did you mean 'temperature'?", "pretrain", "--out", self.dir / "a", "temprature=1")
        self.expect_error(USAGE, "whole number", "pretrain", "--epochs", "0", "--out", self.dir / "a")
        self.expect_error(USAGE, "Did you mean 'quick'?", "pretrain", "--preset", "quik", "--out", self.dir / "a")
        self.expect_error(USAGE, "no such file", "pretrain", "--config", self.dir / "no.yaml", "--out", self.dir / "a")
        self.expect_error(USAGE, "is not a run", "knn", "--run", self.dir)
        self.expect_error(USAGE, "SIMCLR_EPOCH", "pretrain", "--out", self.dir / "a", SIMCLR_EPOCH="3")
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_an_existing_run_is_not_replaced_unasked(self):
        self.run_ok("pretrain", *SMALL, "--epochs", 1, "--out", self.dir / "a")
        self.expect_error(USAGE, "--overwrite", "pretrain", *SMALL, "--epochs", 1, "--out", self.dir / "a")
        self.run_ok("pretrain", *SMALL, "--epochs", 1, "--out", self.dir / "a", "--overwrite")
        self.expect_error(USAGE, "loss.temperature: 0.2 there, 0.3 now", "pretrain", "--out", self.dir / "a", "--resume",
                          "--temperature", 0.3)

    def test_missing_and_damaged_data_exit_with_3(self):
        self.expect_error(DATA, "cifar-10-binary.tar.gz", "pretrain", "--data", "cifar10", "--out", self.dir / "a")
        batches = self.dir / "cifar-10-batches-bin"
        batches.mkdir()
        for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
            (batches / f"{name}.bin").write_bytes(bytes(3073 * 2))
        done = self.expect_error(DATA, "data_batch_1.bin", "pretrain", "--data", batches, "--out", self.dir / "a")
        self.assertIn("6146", done.stderr.replace(",", ""))
        self.assertIn("30730000", done.stderr.replace(",", ""))

    def test_a_diverging_run_exits_with_4(self):
        done = self.expect_error(DIVERGED, "at step", "pretrain", *SMALL, "--epochs", 2, "--optimizer", "sgd",
                                 "--head", "mlp", "--lr", "1e38", "--out", self.dir / "a")
        self.assertRegex(done.stderr, r"not finite \(nan\) at step 2 \(epoch 1, rate 9\.87e\+37\)")

    def test_a_damaged_checkpoint_is_an_error(self):
        run = self.dir / "a"
        self.run_ok("pretrain", *SMALL, "--epochs", 1, "--out", run)
        best = run / "checkpoints/best.safetensors"
        best.write_bytes(best.read_bytes()[:-1000])
        self.expect_error(DATA, "best.safetensors", "knn", "--run", run)

    # ---- settings ----

    def test_settings_are_layered_and_show_where_they_came_from(self):
        (self.dir / "a.yaml").write_text("train: {epochs: 5, batch_size: 64}\n")
        shown = self.run_ok("config", "show", "--preset", "seed", "--config", self.dir / "a.yaml", "--lr", "0.5",
                            "model.width=0.5", SIMCLR_BATCH_SIZE="32").stdout
        for pattern in (r"epochs: 5 +# .*a\.yaml", r"batch_size: 32 +# SIMCLR_BATCH_SIZE", r"lr: 0\.5 +# --lr",
                        r"width: 0\.5 +# model\.width=0\.5", r"train_percent: 0\.2 +# preset seed",
                        r"patience: 0 +# default"):
            self.assertRegex(shown, pattern)

    def test_dry_run_writes_nothing(self):
        shown = self.run_ok("pretrain", "--dry-run", "--epochs", 9, "--out", self.dir / "a").stdout
        self.assertRegex(shown, r"epochs: 9")
        self.assertFalse((self.dir / "a").exists())

    def test_explain_of_every_setting_is_what_the_docs_say(self):
        docs = (Path(__file__).resolve().parents[2] / "docs/settings.md").read_text()
        table = self.run_ok("config", "explain", "--markdown").stdout
        self.assertIn(table, docs, "run: simclr config explain --markdown, and put the table into docs/settings.md")

    def test_every_command_has_help_with_examples(self):
        commands = re.findall(r"^  ([a-z]+) ", self.run_ok("--help").stdout.split("Subcommands:")[1], re.M)
        self.assertGreaterEqual(set(commands), {"demo", "pretrain", "knn", "linear", "finetune", "study", "preview",
                                                "data", "config"})
        for command in set(commands) - {"simclr"}:
            self.assertIn("Example", self.run_ok(command, "--help").stdout, command)

    def test_data_stats_counts_every_part(self):
        parts = json.loads(self.run_ok("data", "stats", "--shapes-images", 200, "--json").stdout)
        self.assertEqual([(p["part"], p["images"]) for p in parts], [("train", 160), ("validation", 40), ("test", 100)])

    def test_data_split_is_the_same_for_the_same_key_and_leaves_nothing_out(self):
        split = ["data", "split", "--shapes-images", 200]
        parts = json.loads(self.run_ok(*split).stdout)
        self.assertEqual(parts, json.loads(self.run_ok(*split).stdout))
        self.assertNotEqual(parts, json.loads(self.run_ok(*split, "--split-seed", 1).stdout))
        self.assertEqual(sorted(parts["train"] + parts["validation"]), list(range(200)))


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
