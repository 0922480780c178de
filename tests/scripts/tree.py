"""A small project tree in a temporary folder, and the scripts under test."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


class TreeTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.root = Path(self._folder.name).resolve()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run_check(self, script):
        """Runs scripts/<script> on the tree: exit status and output."""
        done = subprocess.run([sys.executable, REPOSITORY / "scripts" / script, self.root], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def assert_passes(self, script):
        status, output = self.run_check(script)
        self.assertEqual((status, output.count("\n")), (0, 1), output)

    def assert_only_fault(self, script, expected):
        status, output = self.run_check(script)
        self.assertEqual((status, output), (1, expected + "\n"))
