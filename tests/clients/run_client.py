"""TensorBoard's own reader opens what a run writes: its scalars, its views, its settings; resumed, still one curve."""

import csv
import io
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import client

event_accumulator, util, hparams_data, Image = client.need(
    "tensorboard.backend.event_processing.plugin_event_accumulator", "tensorboard.util.tensor_util",
    "tensorboard.plugins.hparams.plugin_data_pb2", "PIL.Image")

PROGRAM = ""
SMALL = ["--preset", "quick", "--shapes-images", "100", "--width", "0.25", "--batch-size", "16", "--head-hidden", "32",
         "--projection-dim", "16", "--threads", "1"]


class RunTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.run_folder = Path(temporary.name) / "a"
        for epochs in ("2", "3"):  # the second call resumes the first
            resume = ["--resume"] if epochs == "3" else []
            subprocess.run([PROGRAM, "pretrain", *SMALL, "--epochs", epochs, "--out", cls.run_folder, *resume],
                           check=True, capture_output=True, timeout=300)
        cls.accumulator = event_accumulator.EventAccumulator(str(cls.run_folder))
        cls.accumulator.Reload()
        with open(cls.run_folder / "metrics.csv", newline="") as file:
            cls.rows = list(csv.DictReader(file))

    def test_there_is_one_event_file(self):
        self.assertEqual(len(list(self.run_folder.glob("events.out.tfevents.*"))), 1)

    def test_every_column_is_a_curve_over_epochs(self):
        for name in ("train_loss", "val_loss", "lr", "knn_accuracy", "probe_accuracy", "alignment", "uniformity",
                     "effective_rank", "gradient_norm", "loader_share", "step_share", "evaluation_share"):
            events = self.accumulator.Tensors(name)
            self.assertEqual([event.step for event in events], [1, 2, 3], name)
            for event, row in zip(events, self.rows, strict=True):
                self.assertAlmostEqual(util.make_ndarray(event.tensor_proto).item(), float(row[name]), places=5)

    def test_the_views_are_a_picture_of_eight_images_twice(self):
        event, = self.accumulator.Tensors("views")
        width, height, png = util.make_ndarray(event.tensor_proto)
        picture = Image.open(io.BytesIO(png))
        self.assertEqual(picture.size, (8 * 32, 2 * 32))
        self.assertEqual((int(width), int(height)), picture.size)
        self.assertGreater(len(set(picture.tobytes())), 50)

    def test_the_settings_are_hyper_parameters(self):
        content = self.accumulator.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        hparams = hparams_data.HParamsPluginData.FromString(content).session_start_info.hparams
        self.assertEqual(hparams["train.batch_size"].number_value, 16)
        self.assertEqual(hparams["optim.optimizer"].string_value, "adam")
        self.assertIs(hparams["optim.nesterov"].bool_value, False)


if __name__ == "__main__":
    PROGRAM = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
