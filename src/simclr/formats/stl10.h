#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace simclr {

inline constexpr int kStl10Side = 96;  ///< pixels

enum class Stl10Part { kTrain, kTest, kUnlabeled };

/// Images per part; the defaults are the official files'.
struct Stl10Counts {
  std::size_t train = 5000;
  std::size_t test = 8000;
  std::size_t unlabeled = 100000;
};

/// Takes one image: pixels u8 [96, 96, 3], row by row (turned from the file's column-major planes),
/// valid during the call; label 0 to 9, or -1 for the unlabelled part.
using Stl10Visitor =
    std::function<void(Stl10Part part, std::int32_t label, std::span<const std::uint8_t> pixels)>;

struct Stl10Summary {
  Stl10Counts counts;  ///< images visited; unlabeled is 0 if the set came without
  /// Fit to be shown: of class_names.txt where present, else the official ones: airplane bird ...
  std::vector<std::string> class_names;
};

/// Does the path hold STL-10: a folder (or the folder stl10_binary in it) with train_X.bin, or a
/// file named stl10_binary with an archive's suffix? Looks at names alone.
bool is_stl10(const std::filesystem::path& path);

/// Reads STL-10 in the official binary layout: train_X.bin, train_y.bin, test_X.bin, test_y.bin,
/// and where present unlabeled_X.bin and class_names.txt. https://cs.stanford.edu/~acoates/stl10/
/// The unlabelled part is streamed, one image in memory at a time; of the labelled parts the files
/// are held until both are there (140 and 220 MB). The parts come in the container's order, each
/// part's images in its file's.
/// @param path    a folder, or an archive (stl10_binary.tar.gz), that holds the files at its top or
///                one folder down
/// @param counts  images that each part must hold
/// @throws Error(kData) if a file is missing, short, long or damaged, naming the file, the size
///         found and the size expected; for a label out of range the record. Images visited before
///         are to be thrown away.
Stl10Summary read_stl10(const std::filesystem::path& path, const Stl10Visitor& visit,
                        const Stl10Counts& counts = {});

}  // namespace simclr
