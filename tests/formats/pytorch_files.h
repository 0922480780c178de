#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simclr/core/files.h"
#include "simclr/formats/pytorch.h"
#include "tests/formats/make_zip.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {

/// What tests/golden/make_pth.py wrote.
inline std::filesystem::path golden_pth(const std::string& name) {
  return std::filesystem::path(SIMCLR_GOLDEN_DIR) / "pth" / name;
}

/// A .pth file of this pickle and these storages, by hand.
inline std::string pth_of(std::string_view pickle,
                          const std::vector<std::pair<std::string, std::string>>& storages = {}) {
  std::vector<MadeEntry> entries{{"a/data.pkl", std::string(pickle)}, {"a/version", "3\n"}};
  for (const auto& [key, bytes] : storages) entries.push_back({"a/data/" + key, bytes});
  return make_zip(entries);
}

/// The opcodes of {"x": a tensor}; `arguments` are a tensor's.
inline std::string pickled_tensor(const std::string& arguments) {
  return fmt::format("}}X{}xctorch._utils\n_rebuild_tensor_v2\n({}tRs.", little(1, 4), arguments);
}

/// The opcodes of ("storage", torch.<kind>, "0", "cpu", elements) as a persistent id.
inline std::string pickled_storage(const std::string& kind, const std::string& elements) {
  return fmt::format("(X{}storagectorch\n{}\nX{}0X{}cpu{}tQ", little(7, 4), kind, little(1, 4),
                     little(3, 4), elements);
}

/// Without waiting for the disk, as these are many.
inline void write_pth(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline PytorchFile read_pth(const std::string& bytes) {
  const TempFolder folder;
  write_pth(folder / "f.pth", bytes);
  return PytorchFile::read(folder / "f.pth");
}

/// What reading these bytes as a file complains of.
inline Error pth_error(const std::string& bytes) {
  const TempFolder folder;
  write_pth(folder / "f.pth", bytes);
  const Error error = expect_error(ExitCode::kData, [&] { PytorchFile::read(folder / "f.pth"); });
  EXPECT_TRUE(contains(error.what(), "f.pth: ")) << error.what();
  EXPECT_FALSE(error.hint().empty());
  return error;
}

inline std::string pth_complaint(const std::string& bytes) { return pth_error(bytes).what(); }

}  // namespace simclr
