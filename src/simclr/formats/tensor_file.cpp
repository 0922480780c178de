#include "simclr/formats/tensor_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>

#include "simclr/core/error.h"
#include "simclr/formats/onnx.h"
#include "simclr/formats/pytorch.h"
#include "simclr/formats/safetensors.h"

namespace simclr {
namespace {

using namespace std::string_view_literals;

constexpr std::array<std::pair<std::string_view, TensorFormat>, 4> kEndings{
    {{".safetensors", TensorFormat::kSafetensors},
     {".pth", TensorFormat::kPytorch},
     {".pt", TensorFormat::kPytorch},
     {".onnx", TensorFormat::kOnnx}}};
constexpr std::size_t kTarMagic = 257;  // where "ustar" stands in PyTorch's oldest files

std::string first_bytes(const std::filesystem::path& path) {
  std::array<char, kTarMagic + 5> bytes{};
  std::ifstream in(path, std::ios::binary);
  in.read(bytes.data(), bytes.size());
  return {bytes.data(), static_cast<std::size_t>(in.gcount())};
}

/// What a file is by its first bytes, else by its name; a file of neither kind is an error.
TensorFormat format_of(const std::filesystem::path& path) {
  const std::string start = first_bytes(path);
  const auto begins = [&](std::string_view text) { return start.starts_with(text); };
  // Old files too: their reader says how to convert them.
  if (begins("PK") || begins("\x80\x02\x8a"sv) ||
      (start.size() > kTarMagic && std::string_view(start).substr(kTarMagic) == "ustar"))
    return TensorFormat::kPytorch;
  // Behind the size of its header, of which the high bytes are 0, a safetensors file has JSON.
  if (start.size() > 8 && start[8] == '{' && std::string_view(start).substr(4, 4) == "\0\0\0\0"sv)
    return TensorFormat::kSafetensors;
  // An ONNX model's first field is its IR version, a small number; the next has another tag.
  if (start.size() > 2 && start[0] == '\x08' && start[1] > 0 && start[1] < 32)
    return TensorFormat::kOnnx;
  for (const auto& [ending, format] : kEndings)
    if (path.extension() == ending) return format;
  if (start.empty() && !std::filesystem::exists(path))
    return TensorFormat::kSafetensors;  // its reader says that there is no such file
  throw Error(ExitCode::kData, fmt::format("{}: not a file of weights that is read", path.string()),
              "Give a .safetensors, .pth or .onnx file, or a checkpoint of a run.");
}

}  // namespace

std::string_view format_name(TensorFormat format) {
  switch (format) {
    case TensorFormat::kPytorch:
      return "pytorch";
    case TensorFormat::kOnnx:
      return "onnx";
    case TensorFormat::kSafetensors:
      break;
  }
  return "safetensors";
}

TensorFormat format_of_name(const std::filesystem::path& path) {
  for (const auto& [ending, format] : kEndings)
    if (path.extension() == ending) return format;
  throw Error(ExitCode::kUsage, fmt::format("{}: its ending names no format", path.string()),
              "End it in .safetensors, .pth or .onnx.");
}

TensorFile TensorFile::read(const std::filesystem::path& path) {
  TensorFile file;
  file.format_ = format_of(path);
  const auto keep = [&](auto opened) {
    const auto owner = std::make_shared<const decltype(opened)>(std::move(opened));
    file.tensors_ = owner->tensors();
    file.metadata_ = owner->metadata();
    file.owner_ = owner;
  };
  if (file.format_ == TensorFormat::kSafetensors) keep(SafetensorsFile::read(path));
  if (file.format_ == TensorFormat::kPytorch) keep(PytorchFile::read(path));
  if (file.format_ == TensorFormat::kOnnx) {
    const OnnxGraph graph = read_onnx(path);
    for (const auto& [name, initializer] : graph.initializers) {
      file.tensors_[name] = initializer.tensor;
      file.owner_ = initializer.owner;  // one for all
    }
    file.metadata_ = graph.metadata;
  }
  return file;
}

void write_tensor_file(const std::filesystem::path& path, TensorFormat format,
                       const std::vector<std::pair<std::string, TensorEntry>>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  switch (format) {
    case TensorFormat::kSafetensors:
      return write_safetensors(path, {tensors.begin(), tensors.end()}, metadata);
    case TensorFormat::kPytorch:
      return write_pytorch(path, tensors, metadata);
    case TensorFormat::kOnnx:
      break;
  }
  throw Error(ExitCode::kUsage,
              fmt::format("{}: an ONNX model is more than tensors", path.string()),
              "Export an encoder: simclr export --format onnx.");
}

}  // namespace simclr
