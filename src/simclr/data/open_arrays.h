#pragma once

#include <filesystem>

#include "simclr/data/open.h"

// The sources that are kept whole in memory.
namespace simclr {

/// @param images  of the training part; half as many are made for testing
DataSource open_shapes10(std::int64_t images);

/// CIFAR-10/100: a folder or archive. @throws Error(kData), see read_cifar
DataSource open_cifar(const std::filesystem::path& path);

/// An array u8 [n, h, w, 3] or [n, h, w] (grey), or the folder of images.npy. labels.npy beside it,
/// integers [n], gives the labels, below 0 for none.
/// @throws Error(kData) naming the file and what is wrong with it
DataSource open_npy(const std::filesystem::path& path, LabelSource labels);

}  // namespace simclr
