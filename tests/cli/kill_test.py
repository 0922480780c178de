#!/usr/bin/env python3
"""Kills a run (SIGKILL) at random moments, resumes it, and compares its end with that of a run that was left alone.

A third of the moments lies in training, a third in evaluation (validation and monitors), a third in saving; every fourth
run is killed twice. Checkpoints are written after nearly every step, so that many writes are there to be cut short.
Exits with 1 if any run ends with other bits.

usage: kill_test.py PROGRAM [--moments N] [--seed N] [--log FILE]
"""

import argparse
import csv
import os
import pty
import random
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EPOCHS = 3
TRAINING = ["pretrain", "--preset", "quick", "--shapes-images", "160", "--width", "0.5", "--batch-size", "16",
            "--epochs", str(EPOCHS), "--threads", "1", "--ema-decay", "0.9", "--save-minutes", "0.0001",
            "--keep-every", "2"]
LONGEST = 600.0  # seconds that a run may take
PHASES = ("training", "evaluation", "saving")


class Run:
    """A run on a terminal of its own, so that it draws its progress, which is read here."""

    def __init__(self, program, out, resume):
        self.out = out
        own, theirs = pty.openpty()
        self.terminal = own
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SIMCLR_")}
        environment["TERM"] = "xterm"
        command = [program, *TRAINING, "--out", str(out)] + (["--resume"] if resume else [])
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, stdin=subprocess.DEVNULL,
                                        env=environment)
        os.close(theirs)
        self.seen = ""

    def read(self, seconds):
        """What comes within so many seconds is added to `seen`."""
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:  # the other end is closed
                time.sleep(0.01)

    def wait_until(self, condition):
        """@return whether it came true before the run ended."""
        end = time.monotonic() + LONGEST
        while not condition():
            if self.process.poll() is not None:
                return False
            if time.monotonic() > end:
                self.kill()
                raise TimeoutError("the run takes too long")
            self.read(0.002)
        return True

    def pause(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(max(0.0, min(0.01, end - time.monotonic())))

    def kill(self):
        """@return False if the run had ended by itself."""
        self.process.kill()
        code = self.process.wait()
        os.close(self.terminal)
        return code < 0

    def finish(self):
        self.wait_until(lambda: False)
        self.read(0.1)
        code = self.process.wait()
        os.close(self.terminal)
        return code


def wait_for(run, phase, dice):
    """Lets the run come to a random moment of the phase; False if it ended before."""
    epoch = dice.randint(1, EPOCHS)
    if phase == "training":
        reached = run.wait_until(lambda: re.search(rf"Epoch {epoch}/{EPOCHS} \[", run.seen))
        delay = dice.uniform(0.0, 1.0)
    elif phase == "evaluation":
        reached = run.wait_until(lambda: f"Epoch {epoch}/{EPOCHS}, validation" in run.seen)
        delay = dice.uniform(0.0, 0.15)
    else:
        partial = run.out / "checkpoints/next.safetensors.partial"
        reached = True
        for _ in range(dice.randint(1, 15)):
            reached = reached and run.wait_until(lambda: not partial.exists()) and run.wait_until(partial.exists)
        delay = dice.uniform(0.0, 0.06)
    if reached:
        run.pause(delay)
    return reached


def state_of(run):
    """What a killed run left behind, in a word."""
    checkpoints = run.out / "checkpoints"
    names = sorted(path.name for path in checkpoints.iterdir()) if checkpoints.is_dir() else []
    if any(name.endswith(".partial") for name in names):
        return "a half-written file"
    if "next.safetensors" in names:
        return "between two renames"
    if re.search(r"validation[^\r\n]*$", run.seen):
        return "in evaluation"
    return "in training" if names else "before the first checkpoint"


def outcome(out):
    """What must be the same: checkpoints to the byte, and the metrics but times and shares of time."""
    content = [(out / f"checkpoints/{name}.safetensors").read_bytes() for name in ("last", "best", "epoch-2")]
    with open(out / "metrics.csv", newline="") as file:
        for row in csv.DictReader(file):
            content.append({name: value for name, value in row.items() if "second" not in name and "share" not in name})
    return content


def one_moment(program, folder, number, dice, log):
    phase = PHASES[number % len(PHASES)]
    out = folder / f"killed-{number}"
    left = []
    for kill in range(2 if number % 4 == 3 else 1):
        run = Run(program, out, resume=kill > 0)
        wait_for(run, phase, dice)
        left.append(state_of(run) if run.kill() else "ended before")
    run = Run(program, out, resume=True)
    code = run.finish()
    same = code == 0 and outcome(out) == outcome(folder / "whole")
    log(f"{number + 1:3}  {phase:<10}  {'; '.join(left):<48}  {'same bits' if same else f'DIFFERENT (exit {code})'}")
    shutil.rmtree(out)
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--moments", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=argparse.FileType("w"))
    options = parser.parse_args()

    def log(line):
        for file in filter(None, (sys.stdout, options.log)):
            print(line, file=file, flush=True)

    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        whole = Run(options.program, folder / "whole", resume=False)
        if whole.finish() != 0:
            sys.exit(f"the run that is left alone failed:\n{whole.seen}")
        log(f"simclr {' '.join(TRAINING)}; seed {options.seed}")
        log("  #  killed in   what it left                                       after --resume")
        same = sum(one_moment(options.program, folder, number, dice, log) for number in range(options.moments))
    log(f"{same} of {options.moments} runs ended with the bits of the run that was left alone")
    return 0 if same == options.moments else 1


if __name__ == "__main__":
    sys.exit(main())
