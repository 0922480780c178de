#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "simclr/core/error.h"
#include "simclr/data/image_files.h"

// What folders, lists and archives have in common when pictures are looked for in them.
namespace simclr {

/// Hidden, or what macOS leaves in archives.
bool is_passed_over(std::string_view file_or_folder);

/// Is this path within a source a picture's, and no part of it passed over?
bool is_picture_name(std::string_view path);

ImageFile picture_of(const std::string& name, const struct stat& status);

/// The error of a source in which there is no picture. @param others  what is there, "" if nothing
Error no_pictures(const ImageFiles& found, const std::string& others);

}  // namespace simclr
