// PyTorch's files: the input as the whole file, then as the pickle of a sound archive, whose
// checksums it need not guess.
#include "simclr/formats/pytorch.h"

#include <array>
#include <sstream>
#include <string>

#include "fuzz/target.h"
#include "simclr/formats/zip.h"

namespace {

void read(simclr::fuzz::Bytes bytes) {
  static simclr::fuzz::MemoryFile file;
  simclr::fuzz::survives([&] {
    const auto tensors = simclr::PytorchFile::read(file.write(bytes));
    for (const auto& [name, tensor] : tensors.tensors())
      simclr::fuzz::touch(tensor.data, tensor.bytes);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static constexpr std::array<std::uint8_t, 96> kStorage{};
  read({data, size});
  std::ostringstream out;
  simclr::write_stored_zip(out, {{"archive/data.pkl", {data, size}}, {"archive/data/0", kStorage}},
                           64);
  const std::string archive = out.str();
  read({reinterpret_cast<const std::uint8_t*>(archive.data()), archive.size()});
  return 0;
}
