#include "simclr/formats/pytorch.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/formats/pytorch_files.h"

namespace simclr {
namespace {

std::string hex(const TensorEntry& entry) {
  std::string text;
  const auto* bytes = static_cast<const std::uint8_t*>(entry.data);
  for (std::size_t i = 0; i < entry.bytes; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

nlohmann::json golden() {
  std::ifstream in(golden_pth("golden.json"));
  return nlohmann::json::parse(in);
}

Error refusal(const std::string& name) {
  return expect_error(ExitCode::kData, [&] { PytorchFile::read(golden_pth(name)); });
}

class PytorchGolden : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Files, PytorchGolden,
                         testing::Values("state_dict", "dtypes", "views", "checkpoint", "model_key",
                                         "nothing"));

TEST_P(PytorchGolden, EveryTensorAndValueComesAsPyTorchHasIt) {
  const nlohmann::json expected = golden()[GetParam()];
  const PytorchFile file = PytorchFile::read(golden_pth(GetParam() + ".pth"));
  EXPECT_EQ(file.tensors().size(), expected["tensors"].size());
  for (const auto& [name, tensor] : expected["tensors"].items()) {
    ASSERT_TRUE(file.tensors().contains(name)) << name;
    const TensorEntry& entry = file.tensors().at(name);
    EXPECT_EQ(entry.dtype, tensor["dtype"].get<std::string>()) << name;
    EXPECT_EQ(entry.shape, tensor["shape"].get<std::vector<std::int64_t>>()) << name;
    EXPECT_EQ(hex(entry), tensor["bytes"].get<std::string>()) << name;
  }
  EXPECT_EQ(file.metadata(), (expected["metadata"].get<std::map<std::string, std::string>>()));
}

TEST_P(PytorchGolden, FileCutAtEveryPercentIsAnError) {
  const std::string bytes = read_file(golden_pth(GetParam() + ".pth"));
  for (std::size_t percent = 0; percent < 100; ++percent)
    pth_complaint(bytes.substr(0, bytes.size() * percent / 100));
  pth_complaint(bytes.substr(0, bytes.size() - 1));
}

TEST_P(PytorchGolden, FlippedBytesAreReadOrRefusedButNeverHarm) {
  const std::string bytes = read_file(golden_pth(GetParam() + ".pth"));
  const TempFolder folder;
  int refused = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 500) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x21);
    write_pth(folder / "f.pth", changed);
    try {
      PytorchFile::read(folder / "f.pth");
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ExitCode::kData);
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(PytorchFile, EveryDtypeIsAmongTheGolden) {
  const nlohmann::json tensors = golden()["dtypes"]["tensors"];
  std::set<std::string> dtypes;
  for (const auto& [name, tensor] : tensors.items())
    dtypes.insert(tensor["dtype"].get<std::string>());
  EXPECT_EQ(dtypes.size(), 21U);
}

TEST(PytorchFile, ViewsOfOneStorageStillShareIt) {
  const PytorchFile file = PytorchFile::read(golden_pth("views.pth"));
  const auto* base = static_cast<const std::byte*>(file.tensors().at("base").data);
  EXPECT_EQ(file.tensors().at("same").data, base);
  EXPECT_EQ(file.tensors().at("part").data, base + 6 * sizeof(float));
  EXPECT_EQ(file.tensors().at("scalar view").data, base + 5 * sizeof(float));
}

TEST(PytorchFile, TensorsOutliveAMove) {
  PytorchFile file = PytorchFile::read(golden_pth("views.pth"));
  const std::string before = hex(file.tensors().at("transposed"));
  const PytorchFile moved = std::move(file);
  EXPECT_EQ(hex(moved.tensors().at("transposed")), before);
}

TEST(PytorchFile, FormatBeforeOnePointSixIsRefusedWithTheWayToConvert) {
  const Error error = refusal("legacy.pth");
  EXPECT_TRUE(contains(error.what(), "legacy.pth: is in PyTorch's format from before 1.6"));
  EXPECT_TRUE(contains(error.hint(), "torch.save(torch.load(path,")) << error.hint();
  const std::string tar = std::string(257, '\0') + "ustar" + std::string(300, '\0');
  EXPECT_TRUE(contains(pth_complaint(tar), "before 1.6"));
}

TEST(PytorchFile, OtherThingsThatTorchSavesAreRefusedByName) {
  EXPECT_TRUE(contains(refusal("module.pth").what(),
                       "data.pkl: names the global 'torch.nn.modules.linear.Linear'"));
  EXPECT_TRUE(contains(refusal("module.pth").hint(), "save its state_dict() instead"));
  EXPECT_TRUE(contains(refusal("script.pth").what(), "script.pth: is a TorchScript program"));
  EXPECT_TRUE(contains(refusal("script.pth").hint(), "torch.jit.load(path).state_dict()"));
  EXPECT_TRUE(contains(refusal("tensor.pth").what(), "tensor.pth: holds no dict of tensors"));
  EXPECT_TRUE(contains(refusal("conjugate.pth").what(), "'x' is a conjugated or negated view"));
  EXPECT_TRUE(contains(refusal("sparse.pth").what(), "_rebuild_sparse_tensor"));
  EXPECT_TRUE(contains(refusal("expanded.pth").what(), "'x' repeats its data to more than"));
  EXPECT_TRUE(contains(refusal("expanded.pth").hint(), ".contiguous()"));
}

TEST(PytorchFile, MissingFileAndForeignKindsAreErrors) {
  expect_error(ExitCode::kData, "cannot read", [] { PytorchFile::read(golden_pth("none.pth")); });
  EXPECT_TRUE(contains(pth_complaint(""), "is not a file that torch.save wrote"));
  EXPECT_TRUE(contains(pth_complaint("\x80\x04}."), "is not a file that torch.save wrote"));
  EXPECT_TRUE(contains(pth_complaint(make_zip({{"a/x", "1"}})), "has no data.pkl"));
  EXPECT_TRUE(contains(pth_complaint(make_zip({{"a/data.pkl", "}."}, {"b/data.pkl", "}."}})),
                       "has more than one data.pkl"));
  EXPECT_TRUE(contains(pth_complaint(make_zip({{"a/data.pkl", "}."}, {"a/byteorder", "big"}})),
                       "is not little-endian"));
}

}  // namespace
}  // namespace simclr
