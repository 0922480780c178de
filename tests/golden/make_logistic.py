"""Golden optimum of multinomial logistic regression, by Newton's method in f64: logistic.json.

Mean cross-entropy + l2 / 2 * |weight|^2, bias free. The bias has one direction along which nothing
changes (the same number added to all): its mean is set to 0, where a start at 0 stays.

    python tests/golden/make_logistic.py     (PyTorch 2.13)
"""

import json
import pathlib

import torch
import torch.nn.functional as F

CLASSES, COUNT, WIDTH, L2 = 3, 40, 4, 0.05


def objective(flat, x, labels):
    weight, bias = flat[: CLASSES * WIDTH].view(CLASSES, WIDTH), flat[CLASSES * WIDTH:]
    return F.cross_entropy(x @ weight.T + bias, labels) + L2 / 2 * (weight**2).sum()


torch.manual_seed(0)
labels = torch.arange(COUNT) % CLASSES
centres = torch.randn(CLASSES, WIDTH, dtype=torch.float64)
x = (centres[labels] + 1.5 * torch.randn(COUNT, WIDTH, dtype=torch.float64)).round(decimals=3)
flat = torch.zeros(CLASSES * (WIDTH + 1), dtype=torch.float64)
for _ in range(50):
    gradient = torch.func.grad(objective)(flat, x, labels)
    hessian = torch.func.hessian(objective)(flat, x, labels)
    flat = flat - torch.linalg.pinv(hessian, hermitian=True, rtol=1e-12) @ gradient
flat[CLASSES * WIDTH:] -= flat[CLASSES * WIDTH:].mean()
assert torch.func.grad(objective)(flat, x, labels).abs().max() < 1e-14
path = pathlib.Path(__file__).with_name("logistic.json")
path.write_text(json.dumps({
    "l2": L2, "x": x.tolist(), "labels": labels.tolist(), "objective": objective(flat, x, labels).item(),
    "weight": flat[: CLASSES * WIDTH].view(CLASSES, WIDTH).tolist(), "bias": flat[CLASSES * WIDTH:].tolist(),
}) + "\n")
