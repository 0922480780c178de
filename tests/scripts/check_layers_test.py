import sys
import unittest

from tree import TreeTest

CMAKE = """# Dependency order.
simclr_add_layer(core LINK fmt::fmt Threads::Threads)
simclr_add_layer(data LINK simclr_core)
simclr_add_layer(loader
  LINK simclr_data)
simclr_add_layer(loss TORCH LINK simclr_core)
simclr_add_layer(train TORCH LINK simclr_loader simclr_loss)
simclr_add_layer(report LINK simclr_loader)
"""
TABLE = """| layer | what | LibTorch |
|---|---|---|
| `core` | errors | no |
| `data` | images | no |
| `loader` | batches | no |
| `loss` | NT-Xent | yes |
| `train` | steps | yes |
| `report` | pictures | no |
"""
WHERE = "src/simclr/CMakeLists.txt"


class CheckLayers(TreeTest):
    def setUp(self):
        super().setUp()
        self.write(WHERE, CMAKE)
        for layer in ("core", "data", "loader", "loss", "train", "report"):
            self.write(f"src/simclr/{layer}/{layer}.h", "#pragma once\n#include <vector>\n")

    def include(self, name, line):
        self.write(name, f"#pragma once\n\n{line}\n")

    def assert_fault(self, expected):
        self.assert_only_fault("check_layers.py", expected)

    def assert_clean(self):
        self.assert_passes("check_layers.py")

    def test_what_stands_above_may_be_included_directly_or_through_another(self):
        self.include("src/simclr/train/step.cpp", '#include "simclr/loader/loader.h"\n#include "simclr/core/core.h"')
        self.include("src/simclr/loader/own.cpp", '#include "simclr/loader/loader.h"')
        self.include("src/simclr/train/tensor.h", "#include <ATen/core/Tensor.h>\n#include <fmt/format.h>")
        self.assert_clean()

    def test_a_layer_below_is_refused_with_file_and_line(self):
        self.include("src/simclr/core/low.h", '#include "simclr/data/data.h"')
        self.assert_fault("src/simclr/core/low.h:3: simclr/data/data.h: data stands below core")

    def test_spaces_and_angle_brackets_hide_nothing(self):
        self.include("src/simclr/core/low.cpp", "  #  include <simclr/data/data.h>")
        self.assert_fault("src/simclr/core/low.cpp:3: simclr/data/data.h: data stands below core")

    def test_a_layer_above_that_is_not_linked_is_refused(self):
        self.include("src/simclr/loss/far.h", '#include "simclr/data/data.h"')
        self.assert_fault("src/simclr/loss/far.h:3: simclr/data/data.h: loss does not link data")

    def test_torch_is_refused_where_it_may_not_be(self):
        for header in ("torch/nn.h", "ATen/ATen.h", "c10/util/Exception.h"):
            with self.subTest(header):
                self.include("src/simclr/report/plot.cpp", f"#include <{header}>")
                self.assert_fault(f"src/simclr/report/plot.cpp:3: {header}: report is not marked TORCH")

    def test_a_layer_without_torch_gets_none_through_its_headers(self):
        self.include("src/simclr/report/plot.cpp", '#include "simclr/train/train.h"')
        self.assert_fault("src/simclr/report/plot.cpp:3: simclr/train/train.h: report does not link train")
        self.write("src/simclr/report/plot.cpp", "")
        self.write(WHERE, CMAKE.replace("report LINK simclr_loader", "report LINK simclr_train"))
        self.assert_fault(f"{WHERE}: report is not marked TORCH and links train, which is")

    def test_the_program_is_never_included(self):
        for header in ("cli/console.h", "simclr/cli/console.h", "../../cli/console.h"):
            with self.subTest(header):
                self.include("src/simclr/train/talk.cpp", f'#include "{header}"')
                self.assert_fault(f"src/simclr/train/talk.cpp:3: {header}: no layer may include the program")

    def test_own_headers_are_written_from_the_root(self):
        self.include("src/simclr/train/talk.cpp", '#include "train.h"')
        self.assert_fault(
            'src/simclr/train/talk.cpp:3: train.h: our own headers are included as "simclr/<layer>/<file>"')

    def test_a_header_that_is_not_there_is_refused(self):
        self.include("src/simclr/train/talk.cpp", '#include "simclr/core/gone.h"')
        self.assert_fault("src/simclr/train/talk.cpp:3: simclr/core/gone.h: there is no such file")

    def test_an_unknown_layer_is_refused(self):
        self.include("src/simclr/train/talk.cpp", '#include "simclr/magic/wand.h"')
        self.assert_fault("src/simclr/train/talk.cpp:3: simclr/magic/wand.h: magic is no layer")

    def test_an_unknown_folder_is_refused(self):
        self.write("src/simclr/magic/wand.h", "")
        self.assert_fault(f"src/simclr/magic: no layer of this name in {WHERE}")

    def test_a_layer_without_folder_is_refused(self):
        self.write(WHERE, CMAKE + "simclr_add_layer(study TORCH LINK simclr_train)\n")
        self.assert_fault(f"{WHERE}: the layer study has no folder")

    def test_a_link_to_a_layer_below_is_refused(self):
        self.write(WHERE, CMAKE.replace("data LINK simclr_core", "data LINK simclr_core simclr_loader"))
        self.assert_fault(f"{WHERE}: data links loader, which does not stand above it")

    def test_a_link_to_no_layer_is_refused(self):
        self.write(WHERE, CMAKE.replace("data LINK simclr_core", "data LINK simclr_core simclr_magic"))
        self.assert_fault(f"{WHERE}: data links simclr_magic, which is no layer")

    def test_a_file_without_layers_is_refused(self):
        self.write(WHERE, "# nothing\n")
        self.assert_fault(f"{WHERE}: no simclr_add_layer line found")

    def test_the_table_of_the_architecture_must_agree(self):
        self.write("ARCHITECTURE.md", TABLE)
        self.assert_clean()
        self.write("ARCHITECTURE.md", TABLE.replace("NT-Xent | yes", "NT-Xent | no"))
        status, output = self.run_check("check_layers.py")
        self.assertEqual(status, 1)
        self.assertIn("ARCHITECTURE.md: its table of layers is", output)
        self.assertIn("('loss', False)", output)


if __name__ == "__main__":
    sys.exit(unittest.main())
