#!/usr/bin/env python3
"""The PyTorch peer of `simclr bench step`: one training step of SimCLR, or the encoder's forward pass alone.

    python bench/peer_step.py --stem cifar --views 256
    python bench/peer_step.py --stem imagenet --views 512 --forward --mode eager

f32, channels_last, fused SGD with momentum: PyTorch at its best on a CPU, eager and compiled. Views and weights are
made once; a step is forward, NT-Xent, backward and update. Prints a line of JSON for each mode.
"""

import argparse
import json
import resource
import statistics
import time

import torch
from peer_model import make_model, nt_xent


def step_function(args):
    """What is timed, as a function without arguments."""
    torch.manual_seed(1)
    model = make_model(args.stem, args.model)
    views = torch.rand(args.views, 3, args.side, args.side).contiguous(memory_format=torch.channels_last)
    if args.forward:
        encoder = model.encoder.eval()

        @torch.no_grad()
        def forward():
            return encoder(views)

        return torch.compile(forward) if args.mode == "compile" else forward

    optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4, fused=True)

    def loss_of(x):
        return nt_xent(model(x), 0.5)[0]

    if args.mode == "compile":
        loss_of = torch.compile(loss_of)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_of(views).backward()
        optimizer.step()

    return step


def compilable(args):
    """nt_xent counts its hits with int(), which would break the graph: NT-Xent alone, for timing."""
    global nt_xent
    from torch.nn import functional as F

    partners = torch.arange(args.views).roll(args.views // 2)
    self_pairs = torch.eye(args.views, dtype=torch.bool)

    def loss(z, temperature):
        z = F.normalize(z)
        return F.cross_entropy((z @ z.t() / temperature).masked_fill(self_pairs, float("-inf")), partners), None

    nt_xent = loss


def measure(args):
    compilable(args)
    step = step_function(args)
    for _ in range(args.warm_up):
        step()
    seconds = []
    while len(seconds) < args.steps:
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    rates = sorted(args.views / s for s in seconds)
    return {
        "engine": f"pytorch-{args.mode}", "model": args.model, "stem": args.stem, "views": args.views,
        "side": args.side, "threads": args.threads, "forward_only": args.forward,
        "views_per_second": statistics.median(rates), "slowest": rates[0], "fastest": rates[-1],
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "torch": torch.__version__,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", default="resnet18", choices=("resnet18", "resnet34", "resnet50"))
    parser.add_argument("--stem", default="imagenet", choices=("imagenet", "cifar", "cifar-pool"))
    parser.add_argument("--views", type=int, default=512)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--mode", default="eager", choices=("eager", "compile"))
    parser.add_argument("--forward", action="store_true", help="the encoder's forward pass alone, without gradients")
    parser.add_argument("--steps", type=int, default=5, help="timed steps")
    parser.add_argument("--warm-up", type=int, default=2, help="steps before them")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(json.dumps(measure(args)), flush=True)


if __name__ == "__main__":
    main()
