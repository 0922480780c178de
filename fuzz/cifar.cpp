// CIFAR sets of one record a file, binary or pickled, as archives.
#include "simclr/formats/cifar.h"

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static simclr::fuzz::MemoryFile file;
  simclr::fuzz::survives([&] {
    const simclr::CifarFiles files = simclr::read_cifar(file.write({data, size}), 1);
    for (const simclr::CifarPart* part : {&files.train, &files.test}) {
      simclr::fuzz::require(part->pixels.size() == part->labels.size() * 32 * 32 * 3);
      for (const std::int32_t label : part->labels) {
        simclr::fuzz::require(label >= 0 &&
                              static_cast<std::size_t>(label) < files.class_names.size());
      }
    }
  });
  return 0;
}
