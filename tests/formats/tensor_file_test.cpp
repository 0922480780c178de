#include "simclr/formats/tensor_file.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "simclr/core/files.h"
#include "simclr/formats/onnx.h"
#include "simclr/formats/onnx_nodes.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

constexpr std::array<float, 6> kValues{1, 2, 3, -4, 5.5F, 6};
const TensorEntry kEntry{"F32", {2, 3}, kValues.data(), sizeof kValues};

TEST(TensorFile, TellsAFormatByItsFirstBytesNotByItsName) {
  const TempFolder folder;
  OnnxGraph graph;
  onnx_constant(graph, "a.weight", {2, 3}, {kValues.begin(), kValues.end()});
  graph.metadata = {{"k", "v"}};
  write_onnx(folder / "one.bin", graph);
  write_tensor_file(folder / "two.bin", TensorFormat::kPytorch, {{"a.weight", kEntry}},
                    {{"k", "v"}});
  write_tensor_file(folder / "three.pth", TensorFormat::kSafetensors, {{"a.weight", kEntry}},
                    {{"k", "v"}});
  for (const auto& [name, format] : {std::pair{"one.bin", TensorFormat::kOnnx},
                                     {"two.bin", TensorFormat::kPytorch},
                                     {"three.pth", TensorFormat::kSafetensors}}) {
    const TensorFile file = TensorFile::read(folder / name);
    EXPECT_EQ(file.format(), format) << name;
    EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"k", "v"}}));
    ASSERT_EQ(file.tensors().size(), 1U);
    const TensorEntry& entry = file.tensors().at("a.weight");
    EXPECT_EQ(entry.shape, kEntry.shape);
    EXPECT_EQ(std::memcmp(entry.data, kValues.data(), sizeof kValues), 0);
  }
}

TEST(TensorFile, ItsEntriesOutliveTheFirstOwner) {
  const TempFolder folder;
  write_tensor_file(folder / "a.pth", TensorFormat::kPytorch, {{"a", kEntry}}, {});
  std::optional<TensorFile> first = TensorFile::read(folder / "a.pth");
  const TensorFile copy = *first;
  first.reset();
  EXPECT_EQ(std::memcmp(copy.tensors().at("a").data, kValues.data(), sizeof kValues), 0);
}

TEST(TensorFile, SaysWhatIsWrongWithAFile) {
  const TempFolder folder;
  expect_error(ExitCode::kData, "gone.pth", [&] { TensorFile::read(folder / "gone.pth"); });
  expect_error(ExitCode::kData, "gone", [&] { TensorFile::read(folder / "gone"); });
  write_file_atomically(folder / "a.txt", "hello, this is no file of weights");
  expect_error(ExitCode::kData, "a.txt: not a file of weights that is read",
               [&] { TensorFile::read(folder / "a.txt"); });
  write_file_atomically(
      folder / "old.pth",
      std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15));
  expect_error(ExitCode::kData, "before 1.6", [&] { TensorFile::read(folder / "old.pth"); });
}

TEST(TensorFile, EveryCutOfAFileIsAnErrorThatNamesIt) {
  const TempFolder folder;
  for (const auto& [name, format] : {std::pair{"a.safetensors", TensorFormat::kSafetensors},
                                     {"a.pth", TensorFormat::kPytorch}}) {
    write_tensor_file(folder / name, format, {{"a", kEntry}, {"b", kEntry}}, {{"k", "v"}});
    const std::string whole = read_file(folder / name);
    for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 100) {
      write_file_atomically(folder / name, whole.substr(0, size));
      expect_error(ExitCode::kData, name, [&, file = folder / name] { TensorFile::read(file); });
    }
  }
}

TEST(FormatOfName, TakesTheUsualEndings) {
  EXPECT_EQ(format_of_name("a/b.safetensors"), TensorFormat::kSafetensors);
  EXPECT_EQ(format_of_name("b.pth"), TensorFormat::kPytorch);
  EXPECT_EQ(format_of_name("b.pt"), TensorFormat::kPytorch);
  EXPECT_EQ(format_of_name("b.onnx"), TensorFormat::kOnnx);
  expect_error(ExitCode::kUsage, "b.h5", [] { format_of_name("b.h5"); });
}

TEST(WriteTensorFile, DoesNotMakeAModelOfTensors) {
  expect_error(ExitCode::kUsage, "more than tensors",
               [] { write_tensor_file("a.onnx", TensorFormat::kOnnx, {}, {}); });
}

}  // namespace
}  // namespace simclr
