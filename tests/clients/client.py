"""What the clients share: our files, written anew, and the end of a script whose packages are not there."""

import importlib
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")  # of packages about each other

SKIPPED = 77  # as tests/clients/CMakeLists.txt has it


def need(*modules):
    """Imports the modules; without one of them the script ends as skipped."""
    try:
        return [importlib.import_module(module) for module in modules]
    except ImportError as missing:
        print(f"skipped: {missing}; scripts/setup --tests installs it")
        sys.exit(SKIPPED)


class OurFiles(unittest.TestCase):
    """`self.folder` holds what clients_files wrote."""

    writer = None

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        subprocess.run([cls.writer, cls.folder], check=True)


def main():
    """usage: CLIENT.py CLIENTS_FILES [unittest's arguments]"""
    OurFiles.writer = Path(sys.argv.pop(1)).resolve()
    unittest.main(module="__main__")
