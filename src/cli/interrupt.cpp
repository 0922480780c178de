#include "cli/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace simclr::cli {
namespace {

volatile std::sig_atomic_t signals_seen = 0;

void on_signal(int /*signal*/) {
  if (signals_seen > 0) _exit(1);
  signals_seen = signals_seen + 1;
}

}  // namespace

void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
}

bool interrupted() { return signals_seen > 0; }

}  // namespace simclr::cli
