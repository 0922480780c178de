#include "simclr/data/download.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "simclr/core/files.h"
#include "simclr/core/sha256.h"
#include "tests/data/http_server.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

namespace fs = std::filesystem;

std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 7;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

const std::string kContent = noise(300'000);

std::string sha256_of(const std::string& bytes) {
  Sha256 sha256;
  sha256.update(bytes.data(), bytes.size());
  return sha256.hex_digest();
}

/// What the sink was told.
class Record final : public EventSink {
 public:
  void message(std::string_view line) override { messages.emplace_back(line); }
  void progress(std::string_view task, std::int64_t /*done*/, std::int64_t /*total*/,
                std::string_view /*rate*/) override {
    if (tasks.empty() || tasks.back() != task) tasks.emplace_back(task);
  }

  std::vector<std::string> messages;
  std::vector<std::string> tasks;
};

/// The value of a line of a head; "" if it is not there.
std::string field(const std::string& head, const std::string& name) {
  const std::size_t at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  const std::size_t start = at + name.size() + 4;
  return head.substr(start, head.find("\r\n", start) - start);
}

/// How a server behaves.
struct Behaviour {
  std::string content = kContent;
  std::string etag = "\"v1\"";
  bool ranges = true;
  std::size_t cut_after = SIZE_MAX;  ///< bytes of a body, of every answer
  std::string status = {};           ///< answers so, if it is not empty
};

std::string answer_of(const Behaviour& behaviour, const std::string& head) {
  if (!behaviour.status.empty()) {
    return "HTTP/1.1 " + behaviour.status + "\r\nContent-Length: 5\r\n\r\nsorry";
  }
  const std::string& content = behaviour.content;
  const std::string tag = behaviour.etag.empty() ? "" : "ETag: " + behaviour.etag + "\r\n";
  const std::string range = field(head, "Range");
  const std::string condition = field(head, "If-Range");
  if (behaviour.ranges && !range.empty() && (condition.empty() || condition == behaviour.etag)) {
    const std::size_t from = std::stoul(range.substr(6));
    if (from >= content.size()) {
      return "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n";
    }
    return "HTTP/1.1 206 Partial Content\r\n" + tag + "Content-Range: bytes " +
           std::to_string(from) + "-" + std::to_string(content.size() - 1) + "/" +
           std::to_string(content.size()) +
           "\r\nContent-Length: " + std::to_string(content.size() - from) + "\r\n\r\n" +
           content.substr(from, behaviour.cut_after);
  }
  return "HTTP/1.1 200 OK\r\n" + tag + "Content-Length: " + std::to_string(content.size()) +
         "\r\n\r\n" + content.substr(0, behaviour.cut_after);
}

class Download : public testing::Test {
 protected:
  Download() : server_([this](const std::string& head) { return answer_of(behaviour_, head); }) {
    ::setenv("no_proxy", "127.0.0.1", 1);
  }

  DownloadRequest request() const {
    return {server_.url("/set.tar.gz"), target_, "", sha256_of(kContent), kContent.size()};
  }

  void run(const DownloadRequest& request) { download(request, events_); }

  /// Leaves the first bytes of the content as an earlier call would have.
  void leave_part(std::size_t bytes, const std::string& validator = "\"v1\"") const {
    fs::create_directories(target_.parent_path());
    write_file_atomically(part_, kContent.substr(0, bytes));
    write_file_atomically(from_, server_.url("/set.tar.gz") + "\n" + validator + "\n");
  }

  void expect_whole() const {
    EXPECT_EQ(read_file(target_), kContent);
    EXPECT_FALSE(fs::exists(part_));
    EXPECT_FALSE(fs::exists(from_));
  }

  const std::vector<std::string>& requests() const { return server_.requests(); }

  TempFolder folder_;
  fs::path target_ = folder_ / "cache/sets/set.tar.gz";
  fs::path part_ = target_.string() + ".part";
  fs::path from_ = target_.string() + ".part.from";
  Behaviour behaviour_;
  Record events_;
  HttpServer server_;
};

TEST_F(Download, WholeFileStandsUnderItsName) {
  run(request());
  expect_whole();
  ASSERT_EQ(requests().size(), 1U);
  EXPECT_EQ(field(requests()[0], "Range"), "");
  EXPECT_EQ(events_.tasks,
            (std::vector<std::string>{"fetching set.tar.gz (MB)", "checking set.tar.gz (MB)"}));
  EXPECT_EQ(events_.messages, std::vector<std::string>{target_.string() + " is whole"});
}

TEST_F(Download, PartIsGoneOnWithIfTheFileIsTheSame) {
  leave_part(100'000);
  run(request());
  expect_whole();
  ASSERT_EQ(requests().size(), 1U);
  EXPECT_EQ(field(requests()[0], "Range"), "bytes=100000-");
  EXPECT_EQ(field(requests()[0], "If-Range"), "\"v1\"");
}

TEST_F(Download, PartOfAnOlderFileIsThrownAway) {
  leave_part(100'000, "\"v0\"");
  write_file_atomically(part_, std::string(100'000, 'x'));
  run(request());
  expect_whole();
  EXPECT_EQ(requests().size(), 1U);
}

TEST_F(Download, PartFromElsewhereIsThrownAway) {
  leave_part(100'000);
  write_file_atomically(from_, "http://other/set.tar.gz\n\"v1\"\n");
  run(request());
  expect_whole();
  EXPECT_EQ(field(requests().at(0), "Range"), "");
}

TEST_F(Download, PartWithoutItsNoteOrTooLongIsThrownAway) {
  leave_part(100'000);
  fs::remove(from_);
  run(request());
  expect_whole();
  fs::remove(target_);
  leave_part(100'000);
  write_file_atomically(part_, kContent + "more");
  run(request());
  expect_whole();
  EXPECT_EQ(field(requests().at(1), "Range"), "");
}

TEST_F(Download, ServerWithoutRangesSendsTheWholeFile) {
  behaviour_.ranges = false;
  leave_part(100'000);
  run(request());
  expect_whole();
}

TEST_F(Download, WholePartIsOnlyChecked) {
  leave_part(kContent.size());
  run(request());
  expect_whole();
  EXPECT_EQ(requests().size(), 0U);
}

TEST_F(Download, RefusedRangeStartsOver) {
  DownloadRequest unknown = request();
  unknown.size = 0;
  leave_part(kContent.size());
  run(unknown);
  expect_whole();
  ASSERT_EQ(requests().size(), 2U);
  EXPECT_EQ(field(requests()[1], "Range"), "");
}

TEST_F(Download, WithoutAnETagTheChecksumMustBeKnown) {
  behaviour_.etag = "";
  leave_part(100'000, "");
  run(request());
  expect_whole();
  EXPECT_EQ(field(requests().at(0), "Range"), "bytes=100000-");
  EXPECT_EQ(field(requests().at(0), "If-Range"), "");
  fs::remove(target_);
  leave_part(100'000, "");
  DownloadRequest unchecked = request();
  unchecked.sha256 = "";
  run(unchecked);
  expect_whole();
  EXPECT_EQ(field(requests().at(1), "Range"), "");
}

TEST_F(Download, BrokenConnectionIsTakenUpAgain) {
  behaviour_.cut_after = 100'000;
  run(request());
  expect_whole();
  ASSERT_EQ(requests().size(), 3U);
  EXPECT_EQ(field(requests()[2], "Range"), "bytes=200000-");
}

TEST_F(Download, ConnectionThatAlwaysBreaksKeepsThePart) {
  behaviour_.cut_after = 100'000;
  behaviour_.ranges = false;
  const Error error = expect_error(ExitCode::kFailed, [&] { run(request()); });
  EXPECT_TRUE(contains(error.what(), request().url + ": ")) << error.what();
  EXPECT_TRUE(contains(error.what(), "; 100000 bytes are kept")) << error.what();
  EXPECT_TRUE(contains(error.hint(), "Run this again to go on where it stopped")) << error.hint();
  EXPECT_TRUE(contains(error.hint(), "put it at " + target_.string())) << error.hint();
  EXPECT_EQ(fs::file_size(part_), 100'000U);
  EXPECT_FALSE(fs::exists(target_));
  behaviour_ = {};
  run(request());
  expect_whole();
}

TEST_F(Download, WrongChecksumIsThrownAway) {
  behaviour_.content[1234] ^= 1;
  const Error error = expect_error(ExitCode::kData, [&] { run(request()); });
  EXPECT_EQ(std::string(error.what()), request().url + ": what came has SHA-256 " +
                                           sha256_of(behaviour_.content) + ", published is " +
                                           sha256_of(kContent) + "; it was thrown away");
  EXPECT_FALSE(fs::exists(part_));
  EXPECT_FALSE(fs::exists(from_));
  EXPECT_FALSE(fs::exists(target_));
}

TEST_F(Download, Md5IsComparedToo) {
  behaviour_.content = "abc";
  DownloadRequest abc{server_.url("/abc"), target_, "900150983cd24fb0d6963f7d28e17f72", "", 0};
  run(abc);
  EXPECT_EQ(read_file(target_), "abc");
  fs::remove(target_);
  abc.md5[0] = '8';
  expect_error(ExitCode::kData, "has MD5 900150983cd24fb0d6963f7d28e17f72, published is 8001509",
               [&] { run(abc); });
}

TEST_F(Download, WrongSizeIsRefusedBeforeItIsFetched) {
  behaviour_.content += "more";
  expect_error(ExitCode::kData, ": the server's file has 300004 bytes, published are 300000",
               [&] { run(request()); });
  EXPECT_FALSE(fs::exists(target_));
}

TEST_F(Download, RefusalIsToldWithItsStatus) {
  behaviour_.status = "404 Not Found";
  const Error error = expect_error(ExitCode::kFailed, [&] { run(request()); });
  EXPECT_EQ(std::string(error.what()), request().url + ": the server answers with status 404");
  EXPECT_FALSE(fs::exists(target_));
  EXPECT_EQ(fs::file_size(part_), 0U);
}

TEST_F(Download, UnreachableServerGivesTheManualSteps) {
  std::string url;
  {
    const HttpServer gone([](const std::string&) { return ""; });
    url = gone.url("/set.tar.gz");
  }
  DownloadRequest elsewhere = request();
  elsewhere.url = url;
  const Error error = expect_error(ExitCode::kFailed, [&] { run(elsewhere); });
  EXPECT_TRUE(contains(error.what(), url + ": Failed to connect")) << error.what();
  EXPECT_EQ(error.hint(), "Run this again to go on where it stopped. Without a network: fetch " +
                              url + " on another machine and put it at " + target_.string() +
                              ", or give the file itself with --data PATH.");
}

TEST_F(Download, OnlyHttpIsSpoken) {
  DownloadRequest local = request();
  local.url = "file:///etc/passwd";
  expect_error(ExitCode::kFailed, "file:///etc/passwd: Protocol \"file\" not supported",
               [&] { run(local); });
}

TEST_F(Download, FileThatIsThereIsOnlyChecked) {
  fs::create_directories(target_.parent_path());
  write_file_atomically(target_, kContent);
  run(request());
  EXPECT_EQ(requests().size(), 0U);
  EXPECT_EQ(events_.messages, std::vector<std::string>{target_.string() + " is there already"});
}

TEST_F(Download, DamagedFileIsFetchedAnew) {
  fs::create_directories(target_.parent_path());
  write_file_atomically(target_, "damaged");
  run(request());
  expect_whole();
  EXPECT_EQ(events_.messages.at(0),
            target_.string() + " has 7 bytes, published are 300000: it is fetched anew");
}

TEST_F(Download, AnotherProcessAtWorkIsAnError) {
  leave_part(100'000);
  const int descriptor = ::open(part_.c_str(), O_RDWR);
  ASSERT_EQ(::flock(descriptor, LOCK_EX), 0);
  expect_error(ExitCode::kData, ": another process is fetching it", [&] { run(request()); });
  ::close(descriptor);
  EXPECT_EQ(fs::file_size(part_), 100'000U);
}

TEST_F(Download, FolderThatCannotBeMadeIsAnError) {
  write_file_atomically(folder_ / "file", "");
  DownloadRequest inside = request();
  inside.target = folder_ / "file/set.tar.gz";
  expect_error(ExitCode::kFailed, "set.tar.gz.part: cannot write: Not a directory",
               [&] { run(inside); });
}

TEST_F(Download, ErrorOfTheSinkComesThrough) {
  class Stop final : public EventSink {
   public:
    void message(std::string_view) override {}
    void progress(std::string_view, std::int64_t, std::int64_t, std::string_view) override {
      throw std::runtime_error("stop");
    }
  } stop;
  EXPECT_THROW(download(request(), stop), std::runtime_error);
  EXPECT_GT(fs::file_size(part_), 0U);
}

TEST(Redirect, IsFollowedAndOnlyItsEndCounts) {
  ::setenv("no_proxy", "127.0.0.1", 1);
  const TempFolder folder;
  std::string content = "only a part";
  HttpServer server([&](const std::string& head) {
    if (head.starts_with("GET /old")) {
      return std::string(
          "HTTP/1.1 302 Found\r\nLocation: /new\r\nETag: \"old\"\r\nContent-Length: 3\r\n\r\nabc");
    }
    return "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + content;
  });
  NullSink silent;
  const DownloadRequest request{server.url("/old"), folder / "a", "", "", 20};
  expect_error(ExitCode::kFailed, "11 bytes are kept", [&] { download(request, silent); });
  EXPECT_EQ(read_file(folder / "a.part.from"), server.url("/old") + "\n\n");
  content = "all of the 20 bytes.";
  download(request, silent);
  EXPECT_EQ(read_file(folder / "a"), content);
}

}  // namespace
}  // namespace simclr
