"""cmake/FindLibTorch.cmake on small LibTorch look-alikes: real shared libraries with nothing of LibTorch in them."""

import os
import shutil
import subprocess
import sys
import unittest

from tree import REPOSITORY, TreeTest

PROJECT = """cmake_minimum_required(VERSION 3.24)
project(probe CXX)
list(APPEND CMAKE_MODULE_PATH "{module_path}")
find_package(LibTorch REQUIRED)
add_executable(probe probe.cpp)
target_link_options(probe PRIVATE LINKER:--as-needed)  # what some systems' compilers ask for by themselves
target_link_libraries(probe PRIVATE LibTorch::LibTorch)
"""
PROBE = """#include <ATen/core/Tensor.h>
#include <cstdio>
int main() { std::puts(cpu_library()); }
"""


class FindLibTorch(TreeTest):
    def setUp(self):
        super().setUp()
        self.write("project/CMakeLists.txt", PROJECT.format(module_path=(REPOSITORY / "cmake").as_posix()))
        self.write("project/probe.cpp", PROBE)

    def make_library(self, path, source):
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["c++", "-shared", "-fPIC", "-Wl,-soname," + path.name, "-x", "c++", "-", "-o", path],
                       input=source, text=True, check=True)

    def make_libtorch(self, folder, name, version="2.13.0", cuda=False):
        major, minor, patch = version.split(".")
        torch = self.root / folder
        api = f"{folder}/include/torch/csrc/api/include/torch"
        self.write(f"{api}/version.h", "#include <torch/headeronly/version.h>\n")
        version_header = f"{folder}/include/torch/headeronly/version.h" if version >= "2.13" else f"{api}/version.h"
        self.write(f"{folder}/include/ATen/core/Tensor.h", 'extern "C" const char* cpu_library();\n')
        self.write(version_header,
                   f"#define TORCH_VERSION_MAJOR {major}\n#define TORCH_VERSION_MINOR {minor}\n"
                   f"#define TORCH_VERSION_PATCH {patch}\n#define TORCH_VERSION_ABI_TAG 0\n")
        self.make_library(torch / "lib/libtorch_cpu.so",
                          f'extern "C" const char* cpu_library() {{ return "{name}"; }}')
        self.make_library(torch / "lib/libc10.so", "")
        if cuda:
            self.make_library(torch / "lib/libtorch_cuda.so",
                              "#include <cstdio>\n__attribute__((constructor)) static void f() { std::puts(\"cuda\"); }")
        return torch

    def make_wheel(self, name, **options):
        return self.make_libtorch("project/.venv/lib/python3.11/site-packages/torch", name, **options)

    def configure(self, *arguments, **environment):
        kept = {k: v for k, v in os.environ.items() if k not in ("SIMCLR_LIBTORCH", "VIRTUAL_ENV")}
        build = self.root / "build"
        shutil.rmtree(build, ignore_errors=True)
        done = subprocess.run(["cmake", "-G", "Ninja", "-S", self.root / "project", "-B", build, *arguments],
                              env=kept | {k: str(v) for k, v in environment.items()}, capture_output=True, text=True)
        # CMake wraps its messages.
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def run_probe(self):
        """Builds the program and runs it with no environment: what it prints."""
        build = self.root / "build"
        done = subprocess.run(["cmake", "--build", build], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return subprocess.run([build / "probe"], env={}, capture_output=True, text=True, check=True).stdout.split()

    def assert_finds(self, expected, *arguments, **environment):
        status, output = self.configure(*arguments, **environment)
        self.assertEqual(status, 0, output)
        self.assertEqual(self.run_probe(), expected)
        return output

    def assert_refuses(self, expected, *arguments, **environment):
        status, output = self.configure(*arguments, **environment)
        self.assertNotEqual(status, 0, output)
        self.assertIn(expected, output)

    def test_the_wheel_of_the_tree_is_found_and_the_program_runs_without_environment(self):
        wheel = self.make_wheel("wheel")
        output = self.assert_finds(["wheel"])
        self.assertIn(f'Found LibTorch: {wheel} (found version "2.13.0")', output)
        self.assertNotIn("Warning", output)

    def test_a_path_with_a_space_works(self):
        torch = self.make_libtorch("un packed/libtorch", "unpacked", cuda=True)
        self.assert_finds(["cuda", "unpacked"], SIMCLR_LIBTORCH=torch)

    def test_an_installed_libtorch_dev_is_never_used(self):
        self.make_wheel("wheel")
        decoy = self.make_libtorch("decoy", "decoy")
        self.write("decoy/include/ATen/core/Tensor.h", "#error decoy\n")
        for package in ("Torch", "LibTorch", "Caffe2"):
            self.write(f"decoy/share/cmake/{package}/{package}Config.cmake", 'message(FATAL_ERROR "decoy")\n')
        self.assert_finds(["wheel"], f"-DCMAKE_PREFIX_PATH={decoy}", f"-DCMAKE_INCLUDE_PATH={decoy}/include",
                          f"-DCMAKE_LIBRARY_PATH={decoy}/lib", f"-DTorch_DIR={decoy}/share/cmake/Torch",
                          CMAKE_PREFIX_PATH=decoy, CPLUS_INCLUDE_PATH=decoy / "include", LIBRARY_PATH=decoy / "lib")

    def test_nothing_but_an_installed_libtorch_dev_is_an_error_that_says_what_to_do(self):
        decoy = self.make_libtorch("decoy", "decoy")
        self.assert_refuses("run scripts/setup, or set SIMCLR_LIBTORCH", f"-DCMAKE_PREFIX_PATH={decoy}")

    def test_a_cuda_wheel_brings_its_cuda_library_though_no_symbol_refers_to_it(self):
        self.make_wheel("wheel", cuda=True)
        self.assert_finds(["cuda", "wheel"])

    def test_no_cuda_toolkit_is_asked_for(self):
        self.make_wheel("wheel", cuda=True)
        self.assert_finds(["cuda", "wheel"], "-DCMAKE_DISABLE_FIND_PACKAGE_CUDA=ON",
                          "-DCMAKE_DISABLE_FIND_PACKAGE_CUDAToolkit=ON", "-DCMAKE_CUDA_COMPILER=none")

    def test_simclr_libtorch_comes_before_the_wheel_and_the_variable_before_the_environment(self):
        self.make_wheel("wheel")
        first = self.make_libtorch("first", "first")
        second = self.make_libtorch("second", "second")
        self.assert_finds(["second"], SIMCLR_LIBTORCH=second)
        self.assert_finds(["first"], f"-DSIMCLR_LIBTORCH={first}", SIMCLR_LIBTORCH=second)

    def test_the_active_virtual_environment_comes_last(self):
        self.make_libtorch("active/lib/python3.12/site-packages/torch", "active")
        self.assert_finds(["active"], VIRTUAL_ENV=self.root / "active")
        self.make_wheel("wheel")
        self.assert_finds(["wheel"], VIRTUAL_ENV=self.root / "active")

    def test_a_wrong_simclr_libtorch_is_an_error_though_a_wheel_is_there(self):
        self.make_wheel("wheel")
        gone = self.root / "gone"
        message = f"SIMCLR_LIBTORCH is {gone}, where no LibTorch is: lib/libtorch_cpu.so, lib/libc10.so and"
        self.assert_refuses(message, SIMCLR_LIBTORCH=gone)
        self.assert_refuses(message, f"-DSIMCLR_LIBTORCH={gone}")

    def test_half_an_installation_is_not_taken(self):
        (self.make_wheel("wheel") / "lib/libc10.so").unlink()
        self.assert_refuses("Could NOT find LibTorch")

    def test_too_old_is_an_error_and_untested_a_warning(self):
        self.make_wheel("wheel", version="1.13.1")
        self.assert_refuses("has version '1.13.1'; 2.6 or newer is needed, 2.13 is tested")
        self.make_wheel("wheel", version="2.6.0")
        self.assertIn("only 2.13 is tested", self.assert_finds(["wheel"]))


if __name__ == "__main__":
    sys.exit(unittest.main())
