// Lists of pictures. The list in memory lies in /proc/self/fd, whose neighbours its lines can name.
#include "fuzz/target.h"
#include "simclr/core/text.h"
#include "simclr/data/image_files.h"

namespace {

void check(const simclr::ImageFiles& images) {
  const auto classes = static_cast<std::int32_t>(images.class_names.size());
  simclr::fuzz::require(!images.files.empty());
  for (std::size_t i = 0; i < images.files.size(); ++i) {
    const simclr::ImageFile& file = images.files[i];
    simclr::fuzz::require(file.position == i && file.label >= -1 && file.label < classes);
    if (file.part == simclr::SourcePart::kUnlabelled) simclr::fuzz::require(file.label == -1);
  }
  for (const std::string& name : images.class_names) simclr::fuzz::require(simclr::is_utf8(name));
  for (const simclr::SkippedFile& file : images.skipped)
    simclr::fuzz::require(simclr::is_utf8(file.name) && !file.reason.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using simclr::LabelSource;
  static simclr::fuzz::MemoryFile file;
  const auto& path = file.write({data, size});
  for (const LabelSource labels : {LabelSource::kAuto, LabelSource::kFolders, LabelSource::kNone})
    simclr::fuzz::survives([&] { check(simclr::find_in_list(path, labels)); });
  return 0;
}
