// Writes what pytorch_client.py opens: `pytorch_files FOLDER`.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "simclr/formats/pytorch.h"
#include "simclr/formats/pytorch_dtype.h"

namespace {

namespace fs = std::filesystem;

std::vector<float> counted(std::size_t count, float step) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = step * static_cast<float>(i) - 1.0F;
  return values;
}

/// weights.pth: a state_dict with metadata; dtypes.pth: bytes 0, 1, 2, ... in each dtype, as [2,
/// 3].
void write_pytorch_files(const fs::path& folder) {
  const auto weight = counted(6, 0.25F), bias = counted(2, 1.0F);
  const std::int64_t batches = 70'000'000'000;
  simclr::write_pytorch(folder / "weights.pth",
                        {{"fc.weight", {"F32", {2, 3}, weight.data(), 24}},
                         {"fc.bias", {"F32", {2}, bias.data(), 8}},
                         {"bn1.num_batches_tracked", {"I64", {}, &batches, 8}},
                         {"empty", {"F32", {0, 300, 70'000}, nullptr, 0}}},
                        {{"stem", "cifar"}, {"classes", "caf\xc3\xa9"}});
  std::vector<std::uint8_t> bytes(6 * 16);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i % 2);
  std::vector<std::pair<std::string, simclr::TensorEntry>> tensors;
  for (const auto& dtype : simclr::detail::pytorch_dtypes()) {
    tensors.emplace_back(
        std::string(dtype.torch),
        simclr::TensorEntry{std::string(dtype.name), {2, 3}, bytes.data(), 6 * dtype.bytes});
  }
  simclr::write_pytorch(folder / "dtypes.pth", tensors);
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 2) return 2;
  write_pytorch_files(arguments[1]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
