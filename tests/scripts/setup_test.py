"""scripts/setup in a tree of its own, with look-alikes of the commands that would change the machine."""

import os
import shutil
import subprocess
import sys
import unittest

from tree import REPOSITORY, TreeTest

# Says what is installed; apt-get writes down what it was asked and makes it so.
DPKG_QUERY = """#!/bin/bash
grep -qx "${@: -1}" "$STATE/installed" && echo -n installed
"""
APT_GET = """#!/bin/bash
echo "$DEBIAN_FRONTEND $*" >>"$STATE/apt"
[[ ! -e $STATE/broken ]] || { echo "E: no route to host"; exit 100; }
for word in "$@"; do echo "$word" >>"$STATE/installed"; done
"""
SUDO = """#!/bin/bash
echo "sudo $*" >>"$STATE/sudo"
[[ $1 != -n ]] || shift
exec "$@"
"""
PACKAGES = ("g++ cmake ninja-build ccache git pkg-config python3-venv libgtest-dev libcli11-dev libyaml-cpp-dev "
            "nlohmann-json3-dev libfmt-dev libarchive-dev libssl-dev libspng-dev libjpeg-dev libturbojpeg0-dev "
            "libwebp-dev libhwy-dev libprotozero-dev libcurl4-openssl-dev ca-certificates gnuplot-nox "
            "fonts-dejavu-core libjs-chart.js").split()
NEEDED_COMMANDS = "bash env cat dirname basename grep sed awk df mkdir rm tail uname flock python3 nproc true".split()


class Setup(TreeTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(REPOSITORY / "scripts", self.root / "tree/scripts")
        self.state = self.root / "state"
        self.set_installed(PACKAGES)
        self.commands = self.root / "commands"
        self.commands.mkdir()
        for name in NEEDED_COMMANDS:
            path = shutil.which(name)
            if path:
                (self.commands / name).symlink_to(path)
        for name, text in (("dpkg-query", DPKG_QUERY), ("apt-get", APT_GET), ("sudo", SUDO)):
            self.write(f"commands/{name}", text).chmod(0o755)

    def set_installed(self, packages):
        self.write("state/installed", "".join(package + "\n" for package in packages))

    def run_setup(self, *arguments, **environment):
        kept = {k: v for k, v in os.environ.items() if k not in ("SIMCLR_LIBTORCH", "SIMCLR_PIP_ARGS", "VIRTUAL_ENV")}
        kept |= {"PATH": str(self.commands), "STATE": str(self.state), "SIMCLR_LIBTORCH": "elsewhere"}
        return subprocess.run([self.root / "tree/scripts/setup", *arguments], env=kept | environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def asked(self):
        path = self.state / "apt"
        return path.read_text().splitlines() if path.exists() else []

    def test_nothing_missing_does_and_says_nothing(self):
        done = self.run_setup()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(self.asked(), [])
        self.assertFalse((self.root / "tree/.venv").exists())

    def test_only_what_is_missing_is_installed_without_questions_and_only_once(self):
        self.set_installed(set(PACKAGES) - {"ccache", "libspng-dev"})
        done = self.run_setup()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("setup: installs with apt-get: ccache libspng-dev\n", done.stdout)
        update, install = self.asked()
        self.assertRegex(update, "^noninteractive -y .*update$")
        self.assertRegex(install, "^noninteractive -y .*install --no-install-recommends ccache libspng-dev$")
        done = self.run_setup()
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(len(self.asked()), 2)

    def test_the_tools_of_the_full_test_are_installed_only_for_it(self):
        self.assertEqual(self.run_setup("--full").returncode, 0)
        tools = "clang-format-14 clang-tidy clang-14 libclang-rt-14-dev"
        self.assertRegex(self.asked()[1], f"install --no-install-recommends {tools}$")

    def test_a_browser_is_installed_for_tests_only_where_apt_has_it(self):
        self.assertEqual(self.run_setup("--tests").returncode, 0)
        self.assertEqual(self.asked(), [])
        self.write("commands/apt-cache", '#!/bin/bash\n[[ $2 == chromium ]]\n').chmod(0o755)
        self.assertEqual(self.run_setup().returncode, 0)
        self.assertEqual(self.asked(), [])
        self.assertEqual(self.run_setup("--tests").returncode, 0)
        self.assertRegex(self.asked()[1], "install --no-install-recommends chromium$")

    def test_a_failing_apt_get_shows_its_output_and_the_line_to_try(self):
        self.set_installed(set(PACKAGES) - {"ccache"})
        self.write("state/broken", "")
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "E: no route to host\nsetup: apt-get update failed; check the network and "
                         "/etc/apt/sources.list\n")

    def test_without_apt_get_it_names_the_packages_and_the_tools_that_are_not_there(self):
        (self.commands / "apt-get").unlink()
        done = self.run_setup()
        self.assertEqual(done.returncode, 1)
        self.assertIn(" ".join(PACKAGES), done.stdout)
        self.assertIn("not found: g++ cmake ninja git pkg-config; install them", done.stderr)
        for tool in ("g++", "cmake", "ninja", "git", "pkg-config"):
            (self.commands / tool).symlink_to("/bin/true")
        self.assertEqual(self.run_setup().returncode, 0)

    def test_what_pip_offers_not_at_all_is_an_error_with_the_line_to_act_on(self):
        done = self.run_setup(SIMCLR_LIBTORCH="", SIMCLR_PIP_ARGS="--no-index --find-links nowhere", PIP_FIND_LINKS="",
                              PIP_CONFIG_FILE=os.devnull)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("setup: makes .venv with torch==2.13.0", done.stdout)
        self.assertIn("setup: pip offers no CPU build: takes torch==2.13.0", done.stdout)
        self.assertRegex(done.stderr.splitlines()[-1], "pip could not install torch==2.13.0; see SIMCLR_PIP_ARGS")

    def test_a_venv_that_is_half_made_is_made_anew(self):
        self.write("tree/.venv/lib/python3.11/site-packages/torch/lib/libtorch_cpu.so", "")
        done = self.run_setup(SIMCLR_LIBTORCH="", SIMCLR_PIP_ARGS="--no-index", PIP_FIND_LINKS="",
                              PIP_CONFIG_FILE=os.devnull)
        self.assertIn("setup: .venv is incomplete or of another version: it is made anew", done.stdout)
        self.assertEqual(done.returncode, 1)
        self.assertFalse((self.root / "tree/.venv/lib/python3.11/site-packages/torch").exists())

    def make_torch_look_installed(self, imports):
        """A .venv whose python writes down what pip is asked, and imports torch or not."""
        shutil.copy(REPOSITORY / "requirements-clients.txt", self.root / "tree/requirements-clients.txt")
        self.write("tree/.venv/lib/python3.11/site-packages/torch/lib/libtorch_cpu.so", "")
        self.write("tree/.venv/simclr-ready", "2.13.0\n")
        python = f'#!/bin/bash\n[[ $1 == -c && $2 == *torch* ]] && exit {0 if imports else 1}\n' \
                 '[[ $1 == -c ]] || echo "$*" >>"$STATE/pip"\n'
        self.write("tree/.venv/bin/python", python).chmod(0o755)
        (self.commands / "cmp").symlink_to(shutil.which("cmp"))
        (self.commands / "cp").symlink_to(shutil.which("cp"))

    def test_the_packages_that_open_our_files_are_installed_once_and_only_for_tests(self):
        self.make_torch_look_installed(imports=True)
        self.assertEqual(self.run_setup(SIMCLR_LIBTORCH="").returncode, 0)
        self.assertFalse((self.state / "pip").exists())
        done = self.run_setup("--tests", SIMCLR_LIBTORCH="", SIMCLR_PIP_ARGS="--no-index")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("setup: installs what opens our files in the tests: requirements-clients.txt", done.stdout)
        asked = (self.state / "pip").read_text()
        self.assertRegex(asked, "^-m pip install .*--no-index -r requirements-clients.txt\n$")
        done = self.run_setup("--tests", SIMCLR_LIBTORCH="")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual((self.state / "pip").read_text(), asked)

    def test_packages_that_break_torch_are_an_error(self):
        self.make_torch_look_installed(imports=False)
        done = self.run_setup("--tests", SIMCLR_LIBTORCH="")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot import torch 2.13.0 any more", done.stderr)

    def test_unknown_options_are_refused_and_help_is_given(self):
        for script in ("setup", "test"):
            with self.subTest(script):
                command = [self.root / "tree/scripts" / script]
                refused = subprocess.run([*command, "--fool"], capture_output=True, text=True)
                self.assertEqual(refused.returncode, 2)
                self.assertEqual(refused.stderr, f"{script}: unknown option --fool; see scripts/{script} --help\n")
        for script in ("setup", "test", "demo"):
            with self.subTest(script):
                done = subprocess.run([self.root / "tree/scripts" / script, "--help"], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn(f"scripts/{script} ", done.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main())
