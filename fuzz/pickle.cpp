// Pickles, with NumPy's globals allowed.
#include "simclr/formats/pickle.h"

#include "fuzz/target.h"
#include "simclr/formats/pickle_numpy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const simclr::PickleAllowList allowed = simclr::numpy_globals();
  simclr::PickleLimits limits;
  limits.max_values = 100'000;
  simclr::fuzz::survives([&] {
    const simclr::Pickle pickle = simclr::read_pickle({data, data + size}, "fuzz", allowed, limits);
    simclr::fuzz::require(pickle.size <= size);
    const simclr::NpyArray array = simclr::numpy_array(pickle.value, "fuzz");
    simclr::fuzz::touch(array.bytes.data(), array.bytes.size());
  });
  return 0;
}
