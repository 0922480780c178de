#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace simclr {

inline constexpr int kCifarSide = 32;                       ///< pixels
inline constexpr std::size_t kCifarRecordsPerFile = 10000;  ///< of the official files

/// One part of CIFAR: pixels u8 [n, 32, 32, 3] (turned from the file's planes), labels [n].
struct CifarPart {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
};

struct CifarFiles {
  CifarPart train;
  CifarPart test;
  /// CIFAR-10: plane car bird ...; CIFAR-100, fine labels: fine_label_names.txt or meta where
  /// present, else "0" .. "99".
  std::vector<std::string> class_names;
};

/// Reads CIFAR-10 (data_batch_1..5.bin, test_batch.bin; records of 1 + 3072 bytes) or CIFAR-100
/// (train.bin, test.bin; 2 + 3072) in the official binary layout, or in the official Python layout
/// (the same names without .bin; pickles, of which nothing is executed; batches.meta or meta).
/// @param path              a folder, or an archive (.tar.gz, .zip, ...), that holds the files at
///                          its top or one folder down. An archive is streamed, not unpacked to
///                          disk.
/// @param records_per_file  every file must hold exactly so many, CIFAR-100's train.bin five times
///                          as many
/// @throws Error(kData) if a file is missing, short, long or damaged, naming the file, the size
///         found and the size expected; for a label out of range the record; also if `path` holds
///         no set or more than one
CifarFiles read_cifar(const std::filesystem::path& path,
                      std::size_t records_per_file = kCifarRecordsPerFile);

}  // namespace simclr
