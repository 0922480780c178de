#include "simclr/formats/npy.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <fstream>
#include <system_error>
#include <utility>

#include "simclr/core/error.h"
#include "simclr/core/text.h"

namespace simclr {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMostHeaderBytes = 65535;
constexpr std::size_t kMostAxes = 32;  // NumPy's own limit

[[noreturn]] void refuse(const std::string& file, std::string_view what) {
  throw Error(ExitCode::kData, fmt::format("{}: not an .npy file we read: {}", file, what),
              "Write it anew with numpy.save(), as an array of whole or floating-point numbers.");
}

/// The header of an .npy file: a Python dict of three known entries.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  detail::NpyLayout parse() {
    std::optional<detail::NpyLayout> layout;
    std::optional<bool> fortran_order;
    std::optional<std::vector<std::size_t>> shape;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !layout) {
        layout = dtype();
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = sides();
      } else {
        fail("its header has an entry too many");
      }
      if (!accept(',') && next() != '}') fail("its header is malformed");
    }
    if (next() != '\0') fail("its header goes on behind its end");
    if (!layout || !fortran_order || !shape) fail("its header lacks descr, fortran_order or shape");
    layout->fortran_order = *fortran_order;
    layout->shape = std::move(*shape);
    return std::move(*layout);
  }

 private:
  /// The next character that is no space; '\0' at the end.
  char next() {
    const std::size_t start = text_.find_first_not_of(" \n");
    text_.remove_prefix(start == std::string_view::npos ? text_.size() : start);
    return text_.empty() ? '\0' : text_[0];
  }

  bool accept(char wanted) {
    if (next() != wanted || text_.empty()) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) fail("its header is malformed");
  }

  bool accept_word(std::string_view word) {
    next();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  std::string_view quoted() {
    const char quote = next();
    if (quote != '\'' && quote != '"') fail("its header is malformed");
    const std::size_t end = text_.find(quote, 1);
    if (end == std::string_view::npos) fail("its header is malformed");
    const std::string_view inner = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return inner;
  }

  detail::NpyLayout dtype() {
    if (next() == '[') fail("it holds structures, not numbers");
    const std::string_view name = quoted();
    if (auto layout = detail::parse_dtype(name)) return std::move(*layout);
    fail(fmt::format("its dtype '{}' is not one of u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8",
                     printable(name.substr(0, 20))));
  }

  bool boolean() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    fail("its header is malformed");
  }

  std::vector<std::size_t> sides() {
    std::vector<std::size_t> shape;
    expect('(');
    while (!accept(')')) {
      if (shape.size() == kMostAxes) fail(fmt::format("it has more than {} axes", kMostAxes));
      next();
      std::size_t side = 0;
      const auto [stop, failure] = std::from_chars(text_.data(), text_.data() + text_.size(), side);
      if (failure != std::errc()) fail("its shape is malformed or too large");
      text_.remove_prefix(static_cast<std::size_t>(stop - text_.data()));
      accept('L');  // Python 2
      shape.push_back(side);
      if (!accept(',') && next() != ')') fail("its header is malformed");
    }
    return shape;
  }

  [[noreturn]] void fail(std::string_view what) const { refuse(file_, what); }

  std::string_view text_;
  const std::string& file_;
};

/// An open file whose size is known.
struct Input {
  std::ifstream stream;
  std::uintmax_t size = 0;
  std::string name;

  void read(void* to, std::size_t bytes, std::string_view what) {
    stream.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
    if (!stream) refuse(name, fmt::format("it ends within {}", what));
  }
};

Input open_input(const std::filesystem::path& path) {
  Input input{std::ifstream(path, std::ios::binary), 0, path.string()};
  std::error_code failure;
  input.size = std::filesystem::file_size(path, failure);
  if (failure || !input.stream) {
    throw Error(ExitCode::kData,
                fmt::format("{}: cannot read: {}", path.string(),
                            failure ? failure.message() : "no access"),
                "Give the path of an .npy file that you may read.");
  }
  return input;
}

/// The text of the header; what is behind it in the stream is the data.
std::string read_header(Input& input) {
  std::array<std::uint8_t, 8> start{};
  input.read(start.data(), start.size(), "its first 8 bytes");
  if (std::string_view(reinterpret_cast<const char*>(start.data()), kMagic.size()) != kMagic) {
    refuse(input.name, "it does not begin as one");
  }
  const int version = start[6];
  if (version < 1 || version > 3 || start[7] != 0) {
    refuse(input.name, fmt::format("version {}.{} is unknown", version, start[7]));
  }
  std::array<std::uint8_t, 4> count{};
  input.read(count.data(), version == 1 ? 2 : 4, "its header");
  const std::size_t size = count[0] | (std::size_t{count[1]} << 8) | (std::size_t{count[2]} << 16) |
                           (std::size_t{count[3]} << 24);
  if (size > kMostHeaderBytes) {
    refuse(input.name, fmt::format("its header claims {} bytes, more than the {} allowed", size,
                                   kMostHeaderBytes));
  }
  std::string header(size, '\0');
  input.read(header.data(), size, "its header");
  return header;
}

}  // namespace

NpyArray read_npy(const std::filesystem::path& path) {
  Input input = open_input(path);
  const std::string header = read_header(input);
  const detail::NpyLayout layout = HeaderParser(header, input.name).parse();
  const std::uintmax_t left = input.size - static_cast<std::uintmax_t>(input.stream.tellg());
  const std::optional<std::size_t> expected = detail::npy_bytes(layout);
  if (!expected || *expected != left) {
    refuse(input.name, expected
                           ? fmt::format("{} bytes of data, its shape needs {}", left, *expected)
                           : std::string("its shape is too large to address"));
  }
  std::vector<std::uint8_t> bytes(*expected);
  input.read(bytes.data(), bytes.size(), "its data");
  return detail::to_npy_array(layout, std::move(bytes));
}

}  // namespace simclr
