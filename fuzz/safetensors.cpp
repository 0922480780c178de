// Checkpoints: the header's JSON, dtypes, shapes and offsets.
#include "simclr/formats/safetensors.h"

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static simclr::fuzz::MemoryFile file;
  simclr::fuzz::survives([&] {
    const auto tensors = simclr::SafetensorsFile::read(file.write({data, size}));
    for (const auto& [name, tensor] : tensors.tensors())
      simclr::fuzz::touch(tensor.data, tensor.bytes);
  });
  return 0;
}
