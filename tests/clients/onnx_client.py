"""onnx's checker and ONNX Runtime open our models; what they compute is what torch computes with the same weights.

usage: onnx_client.py CLIENTS_FILES
"""

import client

onnx, onnxruntime, np, torch = client.need("onnx", "onnxruntime", "numpy", "torch")
F = torch.nn.functional

TOLERANCE = 1e-4  # of features, which are about 1: f32 sums in another order


def by_torch(images, w):
    """The network of write_files.cpp, written again from its description."""
    def norm(x, name):
        return F.batch_norm(x, w[f"{name}.mean"], w[f"{name}.var"], w[f"{name}.scale"], w[f"{name}.bias"], eps=1e-5)

    x = (images.float() / 255 - torch.tensor([0.4, 0.5, 0.6])) / torch.tensor([0.2, 0.25, 0.3])
    x = norm(F.conv2d(x.permute(0, 3, 1, 2), w["stem.weight"], padding=1), "stem")
    x = F.max_pool2d(F.relu(x), 3, stride=2, padding=1)
    x = F.relu(x + norm(F.conv2d(x, w["block.weight"], padding=1), "block"))
    return F.linear(x.mean((2, 3)), w["fc.weight"], w["fc.bias"])


class Onnx(client.OurFiles):
    def setUp(self):
        self.path = self.folder / "network.onnx"
        self.model = onnx.load(self.path)

    def test_the_checker_accepts_it_with_full_inference_of_shapes(self):
        onnx.checker.check_model(self.path, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(self.model, strict_mode=True, data_prop=True)
        self.assertEqual(len(inferred.graph.value_info) + 1, len(self.model.graph.node))

    def test_it_says_what_it_is(self):
        self.assertEqual(self.model.ir_version, 8)
        self.assertEqual([(o.domain, o.version) for o in self.model.opset_import], [("", 17)])
        self.assertEqual(self.model.producer_name, "simclr")
        self.assertEqual({p.key: p.value for p in self.model.metadata_props}, {"stem": "cifar", "classes": 'a, b "c" é'})

    def test_every_kind_of_node_is_there(self):
        kinds = {node.op_type for node in self.model.graph.node}
        self.assertEqual(kinds, {"Conv", "BatchNormalization", "Relu", "MaxPool", "GlobalAveragePool", "Flatten", "Gemm",
                                 "Add", "Cast", "Transpose", "Sub", "Div", "Mul"})

    def test_the_runtime_computes_what_torch_computes_for_any_batch(self):
        weights = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy()) for t in self.model.graph.initializer}
        session = onnxruntime.InferenceSession(str(self.path), providers=["CPUExecutionProvider"])
        self.assertEqual(session.get_inputs()[0].shape, ["batch", 8, 8, 3])
        self.assertEqual(session.get_outputs()[0].shape, ["batch", 5])
        generator = np.random.default_rng(1)
        for batch in (1, 33):
            images = generator.integers(0, 256, (batch, 8, 8, 3), dtype=np.uint8)
            features, = session.run(["features"], {"images": images})
            expected = by_torch(torch.from_numpy(images), weights).numpy()
            self.assertEqual(features.shape, (batch, 5))
            self.assertGreater(np.ptp(expected), 0.01)
            self.assertLess(np.abs(features - expected).max(), TOLERANCE)


if __name__ == "__main__":
    client.main()
