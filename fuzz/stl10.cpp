// STL-10 sets of one image a part, as archives.
#include "simclr/formats/stl10.h"

#include <array>

#include "fuzz/target.h"
#include "simclr/core/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using simclr::Stl10Part;
  static simclr::fuzz::MemoryFile file;
  simclr::fuzz::survives([&] {
    std::array<std::size_t, 3> seen{};
    const auto visit = [&](Stl10Part part, std::int32_t label,
                           std::span<const std::uint8_t> pixels) {
      const bool fits = part == Stl10Part::kUnlabeled ? label == -1 : label >= 0 && label < 10;
      simclr::fuzz::require(fits && pixels.size() == 96 * 96 * 3);
      simclr::fuzz::touch(pixels.data(), pixels.size());
      ++seen[static_cast<std::size_t>(part)];
    };
    const simclr::Stl10Summary set = simclr::read_stl10(file.write({data, size}), visit,
                                                        {.train = 1, .test = 1, .unlabeled = 1});
    const std::array<std::size_t, 3> stated{set.counts.train, set.counts.test,
                                            set.counts.unlabeled};
    simclr::fuzz::require(seen == stated && set.class_names.size() == 10);
    for (const std::string& name : set.class_names) simclr::fuzz::require(simclr::is_utf8(name));
  });
  return 0;
}
