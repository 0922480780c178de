#include "simclr/study/trial_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "tests/support/expect_error.h"
#include "tests/support/temp_folder.h"

namespace simclr {
namespace {

constexpr LockTimes kNever{.beat_seconds = 3600.0, .stale_seconds = 3600.0};

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

/// As if it had last been renewed long ago.
void make_old(const std::filesystem::path& file) {
  const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), old, 0), 0);
}

TEST(TrialLock, IsHeldByOneAtATime) {
  const TempFolder folder;
  auto first = TrialLock::take(folder / "a", kNever);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(TrialLock::take(folder / "a", kNever), nullptr);
  EXPECT_NE(TrialLock::take(folder / "b", kNever), nullptr);
  EXPECT_TRUE(TrialLock::is_held(folder / "a", kNever));
  first.reset();
  EXPECT_FALSE(TrialLock::is_held(folder / "a", kNever));
  EXPECT_NE(TrialLock::take(folder / "a", kNever), nullptr);
}

TEST(TrialLock, OfAProcessThatIsGoneIsTakenOver) {
  const TempFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    // Leaves without giving it back, as a killed process does.
    _exit(TrialLock::take(folder / "a", kNever).release() == nullptr ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  ASSERT_TRUE(std::filesystem::exists(folder / "a"));
  EXPECT_FALSE(TrialLock::is_held(folder / "a", kNever));
  EXPECT_NE(TrialLock::take(folder / "a", kNever), nullptr);
}

TEST(TrialLock, OfAnotherMachineIsTakenOverOnlyWhenItHasBeenSilent) {
  const TempFolder folder;
  write(folder / "a", "1 elsewhere/pid:[1] 5-1");
  EXPECT_EQ(TrialLock::take(folder / "a", kNever), nullptr);
  make_old(folder / "a");
  EXPECT_NE(TrialLock::take(folder / "a", kNever), nullptr);
}

TEST(TrialLock, IsRenewedWhileItsHolderLives) {
  const TempFolder folder;
  const auto lock = TrialLock::take(folder / "a", {.beat_seconds = 0.01, .stale_seconds = 3600.0});
  make_old(folder / "a");
  struct stat now = {};
  do {
    ASSERT_EQ(stat((folder / "a").c_str(), &now), 0);
  } while (now.st_mtim.tv_sec <= 1000000000);
  EXPECT_FALSE(lock->lost());
}

TEST(TrialLock, SaysWhenAnotherTookIt) {
  const TempFolder folder;
  auto lock = TrialLock::take(folder / "a", {.beat_seconds = 0.01, .stale_seconds = 3600.0});
  write(folder / "a", "1 elsewhere/pid:[1] 5-1");
  while (!lock->lost()) std::this_thread::yield();
  lock.reset();
  EXPECT_TRUE(std::filesystem::exists(folder / "a"));  // the other's
}

TEST(TrialLock, IsWonByOneOfManyProcesses) {
  const TempFolder folder;
  write(folder / "a", "1 elsewhere/pid:[1] 5-1");
  make_old(folder / "a");
  constexpr int kProcesses = 12;
  int start[2];
  ASSERT_EQ(pipe(start), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(fork());
    if (children.back() == 0) {
      close(start[1]);
      char byte = 0;
      if (read(start[0], &byte, 1) != 0) _exit(2);  // ends when the parent says so
      // Some may find the takeover in progress and get nothing; none shares it.
      TrialLock* lock = TrialLock::take(folder / "a", kNever).release();
      if (lock != nullptr) write(folder.path() / ("won" + std::to_string(getpid())), "");
      while (lock != nullptr && !std::filesystem::exists(folder / "end")) usleep(1000);
      _exit(0);
    }
  }
  close(start[0]);
  close(start[1]);
  // Losers end by themselves; the winner waits for "end", so that nobody finds it gone.
  for (int ended = 0; ended < kProcesses - 1; ++ended) ASSERT_GT(wait(nullptr), 0);
  int winners = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    winners += entry.path().filename().string().starts_with("won") ? 1 : 0;
  write(folder / "end", "");
  ASSERT_GT(wait(nullptr), 0);
  EXPECT_EQ(winners, 1);
}

TEST(TrialLock, InAFolderThatIsNotThereIsAnError) {
  const TempFolder folder;
  const Error error =
      expect_error(ExitCode::kFailed, [&] { TrialLock::take(folder / "none/a", kNever); });
  EXPECT_TRUE(contains(error.what(), "No such file"));
}

}  // namespace
}  // namespace simclr
