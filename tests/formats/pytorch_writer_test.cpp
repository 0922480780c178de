#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "simclr/formats/pytorch_dtype.h"
#include "tests/formats/pytorch_files.h"

namespace simclr {
namespace {

using Tensors = std::vector<std::pair<std::string, TensorEntry>>;

class Sample {
 public:
  Tensors tensors() const {
    return {{"z.weight", {"F32", {2, 3}, floats_.data(), sizeof floats_}},
            {"a.count", {"I64", {}, &count_, sizeof count_}},
            {"m", {"U8", {5}, bytes_.data(), bytes_.size()}},
            {"empty", {"F32", {0, 4}, nullptr, 0}},
            {"f8", {"F8_E4M3", {1, 5}, bytes_.data(), bytes_.size()}}};
  }

 private:
  std::array<float, 6> floats_{1.5F, -0.0F, INFINITY, 1e-45F, 3.0F, -2.0F};
  std::int64_t count_ = -7;
  std::array<std::uint8_t, 5> bytes_{0, 1, 127, 128, 255};
};

std::string bytes_of(const TensorEntry& entry) {
  return {static_cast<const char*>(entry.data), entry.bytes};
}

TEST(WritePytorch, WhatIsWrittenIsReadBitForBit) {
  const TempFolder folder;
  const Sample sample;
  const std::map<std::string, std::string> metadata{{"stem", "cifar"}, {"classes", "10"}};
  write_pytorch(folder / "f.pth", sample.tensors(), metadata);
  const PytorchFile file = PytorchFile::read(folder / "f.pth");
  EXPECT_EQ(file.tensors().size(), sample.tensors().size());
  for (const auto& [name, entry] : sample.tensors()) {
    const TensorEntry& read = file.tensors().at(name);
    EXPECT_EQ(read.dtype, entry.dtype);
    EXPECT_EQ(read.shape, entry.shape);
    EXPECT_EQ(bytes_of(read), bytes_of(entry));
  }
  EXPECT_EQ(file.metadata(), metadata);
}

TEST(WritePytorch, EveryDtypeIsReadAgain) {
  const TempFolder folder;
  const std::string data(16 * 3, 'x');
  for (const detail::PytorchDtype& dtype : detail::pytorch_dtypes()) {
    const TensorEntry entry{std::string(dtype.name), {3}, data.data(), 3 * dtype.bytes};
    write_pytorch(folder / "f.pth", {{"t", entry}});
    const PytorchFile file = PytorchFile::read(folder / "f.pth");
    EXPECT_EQ(file.tensors().at("t").dtype, dtype.name);
    EXPECT_EQ(file.tensors().at("t").bytes, entry.bytes);
  }
}

TEST(WritePytorch, EqualContentGivesEqualBytesAtMultiplesOf64) {
  const TempFolder folder;
  const std::vector<float> marks(40, 0.1F);
  const Tensors tensors{{"a", {"F32", {3}, marks.data(), 12}},
                        {"b", {"F32", {40}, marks.data(), 160}}};
  write_pytorch(folder / "1.pth", tensors);
  write_pytorch(folder / "another name.pth", tensors);
  const std::string bytes = read_file(folder / "1.pth");
  EXPECT_EQ(bytes, read_file(folder / "another name.pth"));
  const std::string mark(reinterpret_cast<const char*>(marks.data()), 12);
  EXPECT_EQ(bytes.find(mark) % 64, 0U);
  EXPECT_EQ(bytes.find(std::string(reinterpret_cast<const char*>(marks.data()), 160)) % 64, 0U);
}

TEST(WritePytorch, OrderIsKept) {
  const TempFolder folder;
  write_pytorch(folder / "f.pth", Sample().tensors());
  const std::string bytes = read_file(folder / "f.pth");
  EXPECT_LT(bytes.find("z.weight"), bytes.find("a.count"));
}

TEST(WritePytorch, TextThatIsNotUtf8IsMadeSo) {
  const TempFolder folder;
  write_pytorch(folder / "f.pth", {}, {{"note", "caf\xe9"}});
  EXPECT_EQ(PytorchFile::read(folder / "f.pth").metadata().at("note"), "caf\\xe9");
}

TEST(WritePytorch, EntryThatContradictsItselfIsNotWritten) {
  const TempFolder folder;
  const std::string data(64, 'x');
  for (const TensorEntry& entry :
       {TensorEntry{"F32", {3}, data.data(), 8}, TensorEntry{"F31", {2}, data.data(), 8},
        TensorEntry{"F32", {-1}, data.data(), 8}, TensorEntry{"", {2}, data.data(), 8}}) {
    expect_error(ExitCode::kFailed, "cannot write tensor 't'", [&] {
      write_pytorch(folder / "f.pth", {{"t", entry}});
    });
  }
  const TensorEntry good{"F32", {2}, data.data(), 8};
  expect_error(ExitCode::kFailed, "cannot write two tensors 't'", [&] {
    write_pytorch(folder / "f.pth", {{"t", good}, {"t", good}});
  });
  EXPECT_FALSE(std::filesystem::exists(folder / "f.pth"));
}

}  // namespace
}  // namespace simclr
