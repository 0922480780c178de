import subprocess
import sys
import unittest

from tree import TreeTest


def function(lines):
    return "int f(int x) {\n" + "  ++x;\n" * (lines - 2) + "}\n"


class CheckText(TreeTest):
    def setUp(self):
        super().setUp()
        subprocess.run(["git", "init", "-q", self.root], check=True)
        self.write(".gitignore", "/build/\n")
        self.write("scripts/test", "# scripts/test --full\n")
        self.write("src/simclr/core/text.h", "#pragma once\n")
        self.write("src/simclr/config/fields.h", 'FieldText{"batch_size", "images"}\n')
        self.write("src/cli/main.cpp", 'add_option("--run");\n')

    def assert_fault(self, expected):
        self.assert_only_fault("check_text.py", expected)

    def assert_clean(self):
        self.assert_passes("check_text.py")

    def test_clean_text_passes(self):
        self.assert_clean()

    def test_what_git_ignores_is_not_read(self):
        self.write("build/notes.txt", "a\tb\n")
        self.assert_clean()

    def test_tabs_and_white_space_at_line_ends_are_refused(self):
        self.write("notes.txt", "one\na\tb\n")
        self.assert_fault("notes.txt:2: a tab")
        self.write("notes.txt", "one\ntwo \n")
        self.assert_fault("notes.txt:2: white space at the end")
        self.write("notes.txt", "one\r\n")
        self.assert_fault("notes.txt:1: white space at the end")

    def test_work_left_for_later_is_refused(self):
        for word in ("TO" "DO", "FIX" "ME"):
            with self.subTest(word):
                self.write("notes.txt", f"// {word}: later\n")
                self.assert_fault("notes.txt:1: work left for later")

    def test_paths_of_one_machine_are_refused(self):
        for path in ("/wor" "k/main", "/hom" "e/ada/x", "/tm" "p/a", "/roo" "t/.cache"):
            with self.subTest(path):
                self.write("notes.txt", f"see {path}\n")
                self.assert_fault("notes.txt:1: a path of one machine")
        self.write("notes.txt", "see /usr/include, runs/tm" "p/a and ${HOME}/roo" "t/\n")
        self.assert_clean()

    def test_large_files_are_refused_and_binary_ones_not_read(self):
        (self.root / "picture.png").write_bytes(b"\0\t \n")
        self.assert_clean()
        (self.root / "picture.png").write_bytes(b"\0" * 1_500_001)
        self.assert_fault("picture.png: 1500001 bytes; at most 1500000")

    def test_long_files_are_refused(self):
        self.write("src/simclr/core/text.h", "\n" * 200)
        self.write("src/simclr/core/text.cpp", "\n" * 350)
        self.write("tests/core/text_test.cpp", "\n" * 1000)
        self.assert_clean()
        self.write("src/simclr/core/text.h", "\n" * 201)
        self.assert_fault("src/simclr/core/text.h: 201 lines; at most 200")
        self.write("src/simclr/core/text.h", "")
        self.write("src/simclr/core/text.cpp", "\n" * 351)
        self.assert_fault("src/simclr/core/text.cpp: 351 lines; at most 350")

    def test_long_functions_are_refused(self):
        self.write("src/simclr/core/text.cpp", "namespace simclr {\n" + function(60) + "}\n")
        self.assert_clean()
        self.write("src/simclr/core/text.cpp", "namespace simclr {\n" + function(61) + "}\n")
        self.assert_fault("src/simclr/core/text.cpp:2: a function of 61 lines; at most 60")

    def test_long_members_templates_and_constructors_are_functions(self):
        for signature in ("class A { public: int f() const {", "template <class T> T f(T x) {", "A::A() : a_{1}, b_{2} {",
                          "A::A() : a_{1}, b_(2) {", "auto f() -> int {"):
            with self.subTest(signature):
                closing = "}};" if signature.startswith("class") else "}"
                self.write("src/simclr/core/text.cpp", signature + "\n" * 60 + closing + "\n")
                self.assert_fault("src/simclr/core/text.cpp:1: a function of 61 lines; at most 60")

    def test_types_tables_and_braces_in_text_are_not_functions(self):
        self.write("src/simclr/core/text.cpp", "struct A {\n" + "  int a;\n" * 70 + "};\n"
                   "const int kTable[] = {\n" + "  1,\n" * 70 + "};\n"
                   'int f() { return g("}", \'{\', R"(}}{)"); }  // {\n'
                   "int g() {\n  if (x) { h([] {\n  }); }\n}\n" + "int a();\n" * 70)
        self.assert_clean()

    def test_documents_link_and_name_files_that_exist(self):
        self.write("docs/a.md", "[t](../scripts/test) [w](https://example.org/none) `src/simclr/core/text.h`\n"
                   "`core/text.h` `tests/golden/x.json` `runs/a` `src/<folder>/main.cpp` `checkpoints/last.safetensors`\n")
        self.assert_clean()
        self.write("docs/a.md", "[a](gone.md)\n")
        self.assert_fault("docs/a.md: links gone.md, which does not exist")
        self.write("docs/a.md", "`scripts/gone`\n")
        self.assert_fault("docs/a.md: names scripts/gone, which does not exist")
        self.write("docs/a.md", "`core/gone.h`\n")
        self.assert_fault("docs/a.md: names core/gone.h, which does not exist")
        self.write("docs/a.md", "```\nscripts/gone now\n```\n")
        self.assert_fault("docs/a.md: names scripts/gone, which does not exist")
        self.write("docs/a.md", "`GONE.md`\n")
        self.assert_fault("docs/a.md: names GONE.md, which does not exist")

    def test_documents_name_flags_that_exist(self):
        self.write("a.md", "`scripts/test --full` `--run` `cmake --build x`\n```\nsimclr demo --batch-size 8 --help\n```\n")
        self.assert_clean()
        for snippet in ("scripts/test --fool", "--fool", "simclr demo --fool 1", "build/release/bin/simclr --fool"):
            with self.subTest(snippet):
                self.write("a.md", f"`{snippet}`\n")
                self.assert_fault("a.md: names --fool, which neither scripts/* nor simclr knows")


if __name__ == "__main__":
    sys.exit(unittest.main())
