#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simclr/formats/cifar.h"

namespace simclr::detail {

inline constexpr std::size_t kCifarPlaneBytes = std::size_t{kCifarSide} * kCifarSide;
inline constexpr std::size_t kCifarPixelBytes = 3 * kCifarPlaneBytes;

/// One way in which a CIFAR is published.
struct CifarKind {
  std::size_t classes;
  bool pickled;             ///< the Python version
  std::size_t label_bytes;  ///< of a record, if not pickled; the last label counts
  std::string_view names_file;
  std::string_view labels_key;  ///< of a pickle
  std::string_view names_key;
  std::string_view archive;
  std::string_view md5;
};

inline constexpr CifarKind kCifar10Binary{
    10, false, 1, "", "", "", "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"};
inline constexpr CifarKind kCifar100Binary{100,
                                           false,
                                           2,
                                           "fine_label_names.txt",
                                           "",
                                           "",
                                           "cifar-100-binary.tar.gz",
                                           "03b5dce01913d631647c71ecec9e9cb8"};
inline constexpr CifarKind kCifar10Python{10,
                                          true,
                                          0,
                                          "batches.meta",
                                          "labels",
                                          "label_names",
                                          "cifar-10-python.tar.gz",
                                          "c58f30108f718f92721af3b95e74349a"};
inline constexpr CifarKind kCifar100Python{100,
                                           true,
                                           0,
                                           "meta",
                                           "fine_labels",
                                           "fine_label_names",
                                           "cifar-100-python.tar.gz",
                                           "eb9058c3a382ffc7106e4002c42a8d85"};

/// The records of one file: `planes` are `labels.size()` times red, green and blue of
/// kCifarPlaneBytes each, `stride` bytes apart.
struct CifarRecords {
  std::vector<std::int64_t> labels;
  const std::uint8_t* planes = nullptr;
  std::size_t stride = 0;
};

/// @throws Error(kData) with the message and where to fetch `kind`
[[noreturn]] void fail_cifar(const std::string& message, const CifarKind& kind);

/// The bytes that a file of so many records may have, from and to.
struct CifarFileSize {
  std::size_t least;
  std::size_t most;
};
CifarFileSize cifar_file_size(const CifarKind& kind, std::size_t records);

/// The records of a binary file of the right size; they point into `bytes`.
CifarRecords read_cifar_records(const CifarKind& kind, std::span<const std::uint8_t> bytes,
                                std::size_t records);

/// The class names of a text file, one a line, empty lines left out.
std::vector<std::string> read_cifar_names(std::string_view text);

/// The same for the Python version. @param file  for messages
/// @param pixels  takes the planes, to which the result points
CifarRecords unpickle_cifar_records(const CifarKind& kind, std::vector<std::uint8_t> bytes,
                                    std::size_t records, const std::string& file,
                                    std::vector<std::uint8_t>& pixels);
std::vector<std::string> unpickle_cifar_names(const CifarKind& kind,
                                              std::vector<std::uint8_t> bytes,
                                              const std::string& file);

}  // namespace simclr::detail
