#pragma once

namespace simclr::cli {

/// From now on the first SIGINT, SIGTERM or SIGUSR1 only raises the flag below (finish the step,
/// save, leave); a second one ends the process at once.
void catch_signals();
bool interrupted();

}  // namespace simclr::cli
