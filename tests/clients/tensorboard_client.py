"""TensorBoard's own reader, which checks both checksums of every record, opens our event files.

usage: tensorboard_client.py CLIENTS_FILES
"""

import io

import client

PIL_Image, event_accumulator, loader, hparams_data, util = client.need(
    "PIL.Image", "tensorboard.backend.event_processing.plugin_event_accumulator",
    "tensorboard.backend.event_processing.event_file_loader", "tensorboard.plugins.hparams.plugin_data_pb2",
    "tensorboard.util.tensor_util")


class TensorBoard(client.OurFiles):
    def setUp(self):
        self.accumulator = event_accumulator.EventAccumulator(str(self.folder / "events"))
        self.accumulator.Reload()

    def test_every_record_is_read_after_its_checksums(self):
        path, = (self.folder / "events").iterdir()
        events = list(loader.RawEventFileLoader(str(path)).Load())
        self.assertEqual(len(events), 9)

    def test_a_flipped_bit_is_noticed(self):
        path, = (self.folder / "events").iterdir()
        damaged = bytearray(path.read_bytes())
        damaged[-6] ^= 1
        other = self.folder / "events.out.tfevents.0.damaged"
        other.write_bytes(damaged)
        self.assertEqual(len(list(loader.RawEventFileLoader(str(other)).Load())), 8)

    def test_scalars_have_their_steps_times_and_values(self):
        scalars = [(event.step, event.wall_time - 1.7e9, util.make_ndarray(event.tensor_proto).item())
                   for event in self.accumulator.Tensors("loss/train")]
        expected = [(1000 * i, float(i), 2 / (i + 1)) for i in range(5)]
        for (step, time, value), (expected_step, expected_time, expected_value) in zip(scalars, expected, strict=True):
            self.assertEqual((step, time), (expected_step, expected_time))
            self.assertAlmostEqual(value, expected_value, places=6)

    def test_the_image_is_decoded_to_its_pixels(self):
        event, = self.accumulator.Tensors("views")
        width, height, png = util.make_ndarray(event.tensor_proto)
        self.assertEqual((event.step, int(width), int(height)), (7, 3, 2))
        pixels = PIL_Image.open(io.BytesIO(png)).tobytes()
        self.assertEqual(pixels, bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9]))

    def test_the_text_is_the_text_plugins(self):
        self.assertEqual(self.accumulator.SummaryMetadata("command").plugin_data.plugin_name, "text")
        event, = self.accumulator.Tensors("command")
        self.assertEqual(util.make_ndarray(event.tensor_proto).tolist(), ["`simclr demo` é".encode()])

    def test_the_settings_are_the_hparams_plugins(self):
        content = self.accumulator.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        session = hparams_data.HParamsPluginData.FromString(content).session_start_info
        self.assertEqual(session.start_time_secs, 1.7e9)
        self.assertEqual(session.hparams["lr"].number_value, 0.5)
        self.assertEqual(session.hparams["arch"].string_value, "resnet18")
        self.assertIs(session.hparams["nesterov"].bool_value, True)


if __name__ == "__main__":
    client.main()
