"""Runs an exported model by ONNX Runtime: python -c THIS MODEL INPUT DTYPE SHAPE... with the input's bytes in the file
INPUT, the expected outputs' as f32 in INPUT.NAME; prints {"version": ..., "largest_difference": ...}. Ends with 77 where
ONNX Runtime or NumPy is not installed."""

import json
import sys

try:
    import numpy as np
    import onnxruntime
except ImportError:
    sys.exit(77)

model, file, dtype, *shape = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
images = np.fromfile(file, dtype).reshape([int(side) for side in shape])
names = [output.name for output in session.get_outputs()]
found = session.run(names, {session.get_inputs()[0].name: images})
worst = max(float(abs(values - np.fromfile(f"{file}.{name}", "f4").reshape(values.shape)).max())
            for name, values in zip(names, found))
print(json.dumps({"version": onnxruntime.__version__, "largest_difference": worst}))
