// NumPy's .npy files.
#include "simclr/formats/npy.h"

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static simclr::fuzz::MemoryFile file;
  simclr::fuzz::survives([&] {
    const simclr::NpyArray array = simclr::read_npy(file.write({data, size}));
    simclr::fuzz::require(array.bytes.size() <= size);
    simclr::npy_integers(array);
  });
  return 0;
}
