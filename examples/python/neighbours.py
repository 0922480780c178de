"""The pictures of a folder that are nearest to one of them, by an exported encoder.

simclr export --run runs/a --format onnx --uint8-input --out encoder.onnx
python neighbours.py encoder.onnx FOLDER INDEX      (needs onnxruntime, numpy and Pillow, nothing of simclr)
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

model, folder, index = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
side = session.get_inputs()[0].shape[1]  # u8 [batch, side, side, 3]; what the encoder was trained on
paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".webp"))
pixels = np.stack([np.asarray(Image.open(path).convert("RGB").resize((side, side), Image.BILINEAR)) for path in paths])
features, = session.run(["features"], {"pixels": pixels})
unit = features / np.linalg.norm(features, axis=1, keepdims=True)
cosine = unit @ unit[index]
for i in np.argsort(-cosine, kind="stable")[:6]:
    print(f"{i} {cosine[i]:.4f}")
