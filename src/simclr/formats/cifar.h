#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace simclr {

/// One part of CIFAR as stored: pixels u8 [n, 32, 32, 3] (turned from the file's planes), labels
/// [n].
struct CifarPart {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
};

struct CifarFiles {
  CifarPart train;
  CifarPart test;
  int classes = 0;  ///< 10 or 100 (fine labels)
  std::vector<std::string>
      class_names;  ///< CIFAR-100: fine_label_names.txt where present, else "0".."99"
};

/// True if `path` is a folder or a .tar.gz/.tgz/.tar that holds, at its top or one folder down,
/// CIFAR's binary files. Reads CIFAR-10 (data_batch_1..5.bin, test_batch.bin; records of 1 + 3072
/// bytes) or CIFAR-100 (train.bin, test.bin; 2 + 3072). Every file must be whole: exactly as many
/// records as the official one.
/// @throws Error(kData) naming the file, the size found, the size expected and what to do; a label
/// out of range names
///         the record
CifarFiles read_cifar(const std::filesystem::path& path);

}  // namespace simclr
