"""Every test that docs/faults.md names is there."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def names_in_tests():
    names = set()
    for path in (ROOT / "tests").rglob("*_test.cpp"):
        names.update(".".join(name) for name in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", path.read_text(), re.M))
    for path in (ROOT / "tests").rglob("*_test.py"):
        names.update(re.findall(r"^    def (test_\w+)\(", path.read_text(), re.M))
    return names


class FaultsTest(unittest.TestCase):
    def test_every_fault_has_a_test_that_is_there(self):
        rows = [line for line in (ROOT / "docs/faults.md").read_text().split("\n")
                if line.startswith("| ") and not line.startswith(("| fault", "| --"))]
        self.assertGreater(len(rows), 5)
        known = names_in_tests()
        for row in rows:
            named = re.findall(r"`([A-Z]\w+\.\w+|test_\w+)`", row)
            self.assertTrue(named, row)
            for name in named:
                self.assertIn(name, known, row)


if __name__ == "__main__":
    unittest.main()
