"""An encoder trained by the program, exported and opened by torch, safetensors, onnx and ONNX Runtime; and files that
PyTorch saved, opened by the program.

usage: weights_client.py SIMCLR
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import client

torch, np, safetensors, safetensors_torch, onnx, onnxruntime = client.need(
    "torch", "numpy", "safetensors", "safetensors.torch", "onnx", "onnxruntime")
import resnet  # noqa: E402  (needs torch)

TOLERANCE = 1e-4  # of features, relative to the largest above 1: f32 sums in another order
GOLDEN = Path(__file__).resolve().parent.parent / "golden/resnet_names.json"
PROGRAM = ""
SMALL = ["--preset", "quick", "--shapes-images", "150", "--batch-size", "16", "--head-hidden", "32",
         "--projection-dim", "16", "--threads", "1", "--epochs", "1"]


def simclr(*arguments, code=0):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIMCLR_")}
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=600)
    if done.returncode != code:
        raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def images(count, side=32):
    generator = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count, side, side, 3), generator=generator, dtype=torch.uint8)


def normalised(pixels, metadata):
    mean, deviation = (torch.tensor(json.loads(metadata[key])) for key in ("mean", "deviation"))
    return ((pixels.float() / 255 - mean) / deviation).permute(0, 3, 1, 2)


def read_safetensors(path):
    with safetensors.safe_open(path, "pt") as opened:
        metadata = opened.metadata()
    return safetensors_torch.load_file(path), metadata


class Weights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)

    def run_of(self, name, *settings):
        """A run of one epoch, trained once for all tests."""
        run = self.folder / name
        if not run.exists():
            simclr("pretrain", *SMALL, *settings, "--normalization", "cifar10", "--out", run)
        return run

    def plain_run(self):
        return self.run_of("plain", "--width", "1", "--stem", "imagenet")

    def export(self, run, form, *options):
        name = f"{form}{''.join(options)}".replace("--", "-")
        path = run / f"{name}{dict(safetensors='.safetensors', pytorch='.pth', onnx='.onnx')[form]}"
        if path.exists():
            return path
        said = json.loads(simclr("export", "--run", run, "--format", form, "--out", path, "--json", "--python",
                                 sys.executable, *options).stdout)
        limit = TOLERANCE * max(1, said["largest_value"])
        self.assertLessEqual(said["largest_difference"], limit)
        if form == "onnx":  # ONNX Runtime against the engine
            self.assertLessEqual(said["onnxruntime_difference"], limit)
        return path

    def assert_close(self, found, expected):
        found, expected = torch.as_tensor(found), torch.as_tensor(expected)
        self.assertEqual(found.shape, expected.shape)
        self.assertLessEqual((found - expected).abs().max().item(), TOLERANCE * max(1, expected.abs().max().item()))

    # ---- ours, opened by others ----

    def test_names_and_shapes_are_torchvisions(self):
        golden = json.loads(GOLDEN.read_text())["resnet18"]
        expected = {name: shape for name, shape in golden["parameters"] + golden["buffers"]}
        for path in (self.export(self.plain_run(), "safetensors"), self.export(self.plain_run(), "pytorch")):
            state = read_safetensors(path)[0] if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
            self.assertEqual({name: list(tensor.shape) for name, tensor in state.items()}, expected)
        self.assertEqual(state["layer4.1.bn2.num_batches_tracked"].dtype, torch.int64)

    def test_torchvisions_resnet18_lacks_exactly_fc_or_loads_strictly_with_a_probe(self):
        model = resnet.resnet18(num_classes=10)
        state, metadata = read_safetensors(self.export(self.plain_run(), "safetensors"))
        found = model.load_state_dict(state, strict=False)
        self.assertEqual((found.missing_keys, found.unexpected_keys), (["fc.weight", "fc.bias"], []))
        state, metadata = read_safetensors(self.export(self.plain_run(), "safetensors", "--with-linear"))
        model.load_state_dict(state, strict=True)
        self.assertEqual(len(json.loads(metadata["classes"])), 10)
        self.assertIn("test accuracy", metadata["classifier"])

    def test_torch_computes_the_same_from_three_formats(self):
        for name, settings in {"plain": ("--width", "1", "--stem", "imagenet"),
                               "cifar": ("--width", "0.25", "--stem", "cifar"),
                               "pool": ("--width", "0.25", "--stem", "cifar-pool"),
                               "deep": ("--width", "0.25", "--stem", "imagenet", "--model", "resnet50")}.items():
            with self.subTest(name):
                run = self.run_of(name, *settings)
                state, metadata = read_safetensors(self.export(run, "safetensors"))
                model = resnet.build(metadata["python"])
                model.load_state_dict(state, strict=True)
                other = resnet.build(metadata["python"])
                other.load_state_dict(torch.load(self.export(run, "pytorch"), weights_only=True), strict=True)
                onnx_path = self.export(run, "onnx")
                onnx.checker.check_model(onnx_path, full_check=True)
                session = onnxruntime.InferenceSession(onnx_path, providers=["CPUExecutionProvider"])
                for batch in (1, 33):
                    views = normalised(images(batch), metadata)
                    with torch.no_grad():
                        features = model(views)
                        self.assertTrue(torch.equal(features, other(views)))
                    self.assert_close(session.run(["features"], {"images": views.numpy()})[0], features)

    def test_onnx_takes_pixels_folds_norms_and_gives_scores_and_projections(self):
        run = self.run_of("cifar", "--width", "0.25", "--stem", "cifar")
        state, metadata = read_safetensors(self.export(run, "safetensors", "--with-linear"))
        model = resnet.build(metadata["python"])
        model.load_state_dict(state, strict=True)
        path = self.export(run, "onnx", "--with-linear", "--uint8-input", "--fold-bn")
        onnx.checker.check_model(path, full_check=True)
        self.assertNotIn("BatchNormalization", {node.op_type for node in onnx.load(path).graph.node})
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for batch in (1, 33):
            pixels = images(batch)
            with torch.no_grad():
                expected = model(normalised(pixels, metadata))
            self.assert_close(session.run(["scores"], {"pixels": pixels.numpy()})[0], expected)
        with_head = onnxruntime.InferenceSession(self.export(run, "onnx", "--with-head"),
                                                 providers=["CPUExecutionProvider"])
        self.assertEqual([output.name for output in with_head.get_outputs()], ["features", "projections"])

    def test_a_head_loads_strictly_beside_its_encoder_and_computes_the_same(self):
        for name, settings in {"cifar": ("--width", "0.25", "--stem", "cifar"),
                               "mlp": ("--width", "0.25", "--stem", "imagenet", "--head", "mlp"),
                               "linear": ("--width", "0.25", "--stem", "imagenet", "--head", "linear")}.items():
            with self.subTest(name):
                run = self.run_of(name, *settings)
                state, metadata = read_safetensors(self.export(run, "safetensors", "--with-head"))
                model = resnet.build(metadata["python"])
                model.load_state_dict(state, strict=True)
                session = onnxruntime.InferenceSession(self.export(run, "onnx", "--with-head"),
                                                       providers=["CPUExecutionProvider"])
                views = normalised(images(33), metadata)
                with torch.no_grad():
                    features = model(views)
                    expected = model.head(features)
                for found, wanted in zip(session.run(["features", "projections"], {"images": views.numpy()}),
                                         (features, expected), strict=True):
                    self.assert_close(found, wanted)

    def test_the_metadata_says_what_the_encoder_is(self):
        run = self.plain_run()
        simclr("knn", "--run", run)
        path = run / "scored.safetensors"
        simclr("export", "--run", run, "--out", path)
        metadata = read_safetensors(path)[1]
        for key, value in {"arch": "resnet18", "stem": "imagenet", "width": "1", "image_size": "32", "epochs": "1",
                           "normalization": "cifar10", "data": "shapes10", "objective": "contrastive"}.items():
            self.assertEqual(metadata[key], value)
        for key in ("settings", "commit", "licence", "encoder_sha256", "version", "mean", "deviation"):
            self.assertTrue(metadata[key], key)
        self.assertEqual(json.loads(metadata["accuracies"])[0]["protocol"], "knn")
        self.assertIn("frozen encoder", metadata["accuracies"])
        pth = torch.load(self.export(run, "pytorch"), weights_only=True)
        self.assertEqual(pth.metadata["stem"], "imagenet")

    # ---- theirs, opened by ours ----

    def seed_model(self):
        """The encoder and head as the course project of docs/weights.md saves them."""
        torch.manual_seed(1)
        encoder = torch.nn.Sequential(*list(resnet.resnet18().children())[:-1])
        head = torch.nn.Sequential(torch.nn.Linear(512, 512), torch.nn.BatchNorm1d(512), torch.nn.ReLU(),
                                   torch.nn.Linear(512, 128))
        return torch.nn.ModuleDict({"encoder": encoder, "projection_head": head})

    def test_the_seeds_file_loads_whole_where_its_own_fine_tune_loaded_nothing(self):
        path = self.folder / "seed.pth"
        model = self.seed_model()
        torch.save(model.state_dict(), path)
        text = simclr("inspect", path).stdout
        self.assertIn("resnet18, width 1, stem imagenet", text)
        self.assertIn("with 'encoder.' kept would load 0 of 120 encoder tensors", text)
        self.assertIn("this program loads 120", text)
        # What that says is what PyTorch does.
        encoder = torch.nn.Sequential(*list(resnet.resnet18().children())[:-1])
        kept = {key: value for key, value in model.state_dict().items() if key.startswith("encoder.")}
        # 20 of them are counters of batches, which PyTorch makes up where a file has no version of its own.
        self.assertEqual(len(encoder.load_state_dict(kept, strict=False).missing_keys), 120 - 20)
        started = simclr("pretrain", *SMALL, "--stem", "imagenet", "--width", "1", "--init", path, "--out",
                         self.folder / "from-seed").stderr
        self.assertIn("120 of 120 tensors of the encoder matched", started)

    def test_files_of_other_programs_are_opened_by_their_tensors(self):
        torch.manual_seed(2)
        base = resnet.resnet18()
        state = base.state_dict()
        numbered = torch.nn.Sequential(*list(base.children())[:-1]).state_dict()
        old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
        files = {
            "torchvision": state,
            "torchvision before 0.4.1": old,
            "timm": state,
            "lightly": numbered,
            "solo-learn": {"state_dict": {f"backbone.{key}": value for key, value in state.items() if "fc" not in key}
                           | {"classifier.weight": torch.ones(10, 512)}, "epoch": 7},
            "DataParallel": {f"module.{key}": value for key, value in state.items()},
            "torch.compile": {f"_orig_mod.{key}": value for key, value in state.items()},
            "half precision": {key: value.half() if value.is_floating_point() else value for key, value in state.items()},
        }
        for name, content in files.items():
            with self.subTest(name):
                path = self.folder / "theirs.pth"
                torch.save(content, path)
                encoder, = json.loads(simclr("inspect", path, "--json").stdout)["encoders"]
                self.assertTrue(encoder["loads"], encoder)
                self.assertEqual(encoder["matched"], 100 if "before" in name else 120)
        model = self.folder / "theirs.onnx"  # what is computed is what torch computes
        torch.save(state, self.folder / "theirs.pth")
        simclr("convert", self.folder / "theirs.pth", model, "--python", "none")
        base.eval()
        with torch.no_grad():
            views = torch.randn(2, 3, 32, 32)
            self.assert_close(onnxruntime.InferenceSession(model).run(["scores"], {"images": views.numpy()})[0], base(views))

    def test_a_file_that_does_not_fit_names_what_is_wrong(self):
        state = resnet.resnet18().state_dict()
        del state["layer3.1.bn2.bias"]
        path = self.folder / "incomplete.pth"
        torch.save(state, path)
        start = ["pretrain", *SMALL, "--stem", "imagenet", "--width", "1", "--init", path, "--out"]
        failed = simclr(*start, self.folder / "x", code=3).stderr
        self.assertIn("layer3.1.bn2.bias", failed)
        self.assertIn("--allow-missing", failed)
        simclr(*start, self.folder / "y", "--allow-missing", "layer3.1.bn2.bias")
        simclr(*start, self.folder / "z", "--model", "resnet34", code=2)

    # ---- between formats ----

    def test_convert_keeps_every_tensor(self):
        base = torch.arange(24, dtype=torch.float32)
        state = {"view": base[6:12].view(2, 3), "same storage": base.view(4, 6), "transposed": base.view(4, 6).t(),
                 "every second": base[1::2], "empty": torch.zeros(0, 3), "big": torch.randn(3000, 400)}
        for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
                      torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2):
            state[str(dtype)] = torch.arange(6).to(dtype).reshape(2, 3)
        state["bool"] = torch.tensor([True, False])
        source, middle, back = (self.folder / name for name in ("all.pth", "all.safetensors", "back.pth"))
        torch.save(state, source)
        simclr("convert", source, middle)
        simclr("convert", middle, back)
        for found in (safetensors_torch.load_file(middle), torch.load(back, weights_only=True)):
            self.assertEqual(set(found), set(state))
            for name, tensor in state.items():
                self.assertEqual(found[name].dtype, tensor.dtype, name)
                self.assertTrue(torch.equal(found[name].contiguous().view(torch.uint8),
                                            tensor.contiguous().view(torch.uint8)), name)

    def test_an_encoder_comes_back_from_every_format(self):
        first = self.export(self.plain_run(), "safetensors")
        path = first
        for number, ending in enumerate((".pth", ".onnx", ".safetensors")):
            other = self.folder / f"chain{number}{ending}"
            simclr("convert", path, other, "--python", "none")
            path = other
        state, metadata = read_safetensors(path)
        expected, said = read_safetensors(first)
        self.assertEqual(set(state), set(expected))
        self.assertTrue(all(torch.equal(state[name], tensor) for name, tensor in expected.items()))
        self.assertEqual(metadata, said)

    def test_inspect_tells_what_is_in_a_file(self):
        run = self.plain_run()
        found = json.loads(simclr("inspect", run / "checkpoints/last.safetensors", "--json").stdout)
        self.assertEqual(found["metadata"]["epoch"], "1")
        encoder = found["encoders"][0]
        self.assertEqual((encoder["prefix"], encoder["arch"], encoder["loads"]), ("model.encoder.", "resnet18", True))
        broken = self.folder / "nan.pth"
        state = resnet.resnet18().state_dict()
        state["layer1.0.bn1.bias"][3] = float("nan")
        torch.save(state, broken)
        tensors = {entry["name"]: entry for entry in json.loads(simclr("inspect", broken, "--json").stdout)["tensors"]}
        self.assertEqual(tensors["layer1.0.bn1.bias"]["not_finite"], 1)
        self.assertAlmostEqual(tensors["conv1.weight"]["norm"], state["conv1.weight"].norm().item(), places=3)
        self.assertIn("1 values are not finite", simclr("inspect", broken).stdout)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
