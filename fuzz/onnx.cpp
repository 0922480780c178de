// ONNX models: fields, lengths, shapes; and any file of weights, whose first bytes choose its
// reader.
#include "simclr/formats/onnx.h"

#include "fuzz/target.h"
#include "simclr/formats/tensor_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static simclr::fuzz::MemoryFile file;
  const auto& path = file.write({data, size});
  simclr::fuzz::survives([&] {
    const simclr::OnnxGraph graph = simclr::read_onnx(path);
    for (const auto& [name, initializer] : graph.initializers)
      simclr::fuzz::touch(initializer.tensor.data, initializer.tensor.bytes);
  });
  simclr::fuzz::survives([&] {
    const simclr::TensorFile tensors = simclr::TensorFile::read(path);
    for (const auto& [name, tensor] : tensors.tensors())
      simclr::fuzz::touch(tensor.data, tensor.bytes);
  });
  return 0;
}
