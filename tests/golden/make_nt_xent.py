"""Golden values of NT-Xent: loss and gradient by PyTorch, in f64, written to nt_xent.json.

The loss as it is usually put together: normalised rows, similarities over the temperature, the
diagonal masked with -inf, cross-entropy in both directions, their mean.

    python tests/golden/make_nt_xent.py     (PyTorch 2.13)
"""

import json
import pathlib

import torch
import torch.nn.functional as F


def nt_xent(first, second, temperature):
    n = first.shape[0]
    a, b = F.normalize(first, dim=1), F.normalize(second, dim=1)
    mask = torch.zeros(n, n, dtype=first.dtype).fill_diagonal_(float("-inf"))
    aa, bb, ab = a @ a.T / temperature + mask, b @ b.T / temperature + mask, a @ b.T / temperature
    labels = torch.arange(n)
    forward = F.cross_entropy(torch.cat([ab, aa], dim=1), labels)
    backward = F.cross_entropy(torch.cat([ab.T, bb], dim=1), labels)
    return (forward + backward) / 2


def case(n, width, temperature):
    z = torch.randn(2 * n, width, dtype=torch.float64).round(decimals=3).requires_grad_()
    loss = nt_xent(z[:n], z[n:], temperature)
    loss.backward()
    return {"temperature": temperature, "z": z.tolist(), "loss": loss.item(), "gradient": z.grad.tolist()}


torch.manual_seed(0)
cases = [case(n, width, temperature)
         for n, width in ((1, 4), (2, 3), (5, 8), (16, 6))
         for temperature in (0.01, 0.5, 10.0)]
path = pathlib.Path(__file__).with_name("nt_xent.json")
path.write_text(json.dumps(cases) + "\n")
