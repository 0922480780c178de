#include "cli/onnxruntime_check.h"

#include <ATen/core/Tensor.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <vector>

#include "simclr/core/error.h"
#include "simclr/core/files.h"
#include "simclr/core/scratch_folder.h"

namespace simclr {
const char* onnxruntime_check_script();  // onnxruntime_check.py, embedded
}

namespace simclr::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kNotInstalled = 77;
constexpr int kNoProgram = 127;

void write_values(const fs::path& path, const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  write_file_atomically(
      path, std::string_view(static_cast<const char*>(values.const_data_ptr()), values.nbytes()));
}

/// Runs a program with its output and complaints in files. @return its exit status
int run(std::vector<std::string> words, const fs::path& output, const fs::path& complaints) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, complaints.c_str(), flags, 0600);
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, arguments.front(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return kNoProgram;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

std::optional<OnnxruntimeCheck> check_by_onnxruntime(const fs::path& model,
                                                     const ExportResult& result,
                                                     const std::string& python) {
  if (python == "none" || result.inputs.empty()) return std::nullopt;
  const ScratchFolder scratch("export");
  const fs::path input = scratch / "input";
  const at::Tensor& images = result.inputs.begin()->second;
  write_values(input, images);
  for (const auto& [name, values] : result.expected)
    write_values(input.string() + "." + name, values);
  std::vector<std::string> words{python,
                                 "-c",
                                 onnxruntime_check_script(),
                                 fs::absolute(model).string(),
                                 input.string(),
                                 images.scalar_type() == at::kByte ? "u1" : "f4"};
  for (const std::int64_t side : images.sizes()) words.push_back(std::to_string(side));
  const int status = run(words, scratch / "answer", scratch / "complaints");
  if (status == kNotInstalled || status == kNoProgram) return std::nullopt;
  const auto answer = nlohmann::json::parse(read_file(scratch / "answer"), nullptr, false);
  if (status != 0 || !answer.is_object()) {
    throw Error(
        ExitCode::kFailed,
        fmt::format("ONNX Runtime did not run the model: {}", read_file(scratch / "complaints")),
        "Nothing was written. Leave ONNX Runtime out by --python none.");
  }
  const OnnxruntimeCheck check{answer.at("version").get<std::string>(),
                               answer.at("largest_difference").get<double>()};
  if (is_same_output(check.largest_difference, result.largest_value)) return check;
  throw Error(
      ExitCode::kFailed,
      fmt::format("what ONNX Runtime {} computes differs from the model by {:.3g}, where it "
                  "is up to {:.3g}: nothing was written",
                  check.version, check.largest_difference, result.largest_value),
      "Try another ONNX Runtime by --python PATH.");
}

}  // namespace

std::optional<OnnxruntimeCheck> check_and_place(const fs::path& model, const fs::path& path,
                                                const ExportResult& result,
                                                const std::string& python) {
  try {
    const auto check = check_by_onnxruntime(model, result, python);
    fs::rename(model, path);
    return check;
  } catch (...) {
    std::error_code ignored;
    fs::remove(model, ignored);
    throw;
  }
}

fs::path unchecked_place(const fs::path& path) {
  return path.parent_path() / ("unchecked-" + path.filename().string());
}

}  // namespace simclr::cli
