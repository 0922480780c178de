"""Golden values of torch.optim.Adam, AdamW and SGD: 1,000 steps in f64, written to optimizers.json.

Parameter i starts at sin(i); its gradient at step t is (1 + i mod 3) * parameter + cos(i + t) / 2,
a quadratic bowl that is shaken. The rate is 0.01 for even t and 0.02 for odd t.

    python tests/golden/make_optimizers.py     (PyTorch 2.13)
"""

import json
import pathlib

import torch

STEPS = 1000
COUNT = 21  # odd, so that vectorised loops have a remainder


def run(make):
    index = torch.arange(COUNT, dtype=torch.float64)
    parameter = torch.nn.Parameter(index.sin())
    optimizer = make([parameter])
    for t in range(STEPS):
        optimizer.param_groups[0]["lr"] = 0.01 if t % 2 == 0 else 0.02
        parameter.grad = (1 + index % 3) * parameter.detach() + (index + t).cos() / 2
        optimizer.step()
    state = optimizer.state[parameter]
    return {"parameter": parameter.tolist(),
            "state": {name: value.tolist() for name, value in state.items() if torch.is_tensor(value)}}


def case(optimizer, momentum=0.0, weight_decay=0.0, nesterov=False):
    if optimizer == "sgd":
        options = {"momentum": momentum, "nesterov": nesterov}
    else:
        options = {}
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[optimizer]
    values = run(lambda p: kind(p, lr=0.01, weight_decay=weight_decay, foreach=False, fused=False, **options))
    return {"optimizer": optimizer, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay, **values}


cases = [
    case("adam"),
    case("adam", weight_decay=0.01),
    case("adamw", weight_decay=0.01),
    case("sgd"),
    case("sgd", momentum=0.9),
    case("sgd", momentum=0.9, weight_decay=0.01),
    case("sgd", momentum=0.9, weight_decay=0.01, nesterov=True),
]
path = pathlib.Path(__file__).with_name("optimizers.json")
path.write_text(json.dumps(cases) + "\n")
