#pragma once

namespace simclr::cli {

/// LibTorch's OpenMP threads wait by spinning for milliseconds. With anything else running on the
/// same cores that makes a step up to ten times slower; with a short spin a busy machine costs its
/// share and a quiet one next to nothing. The OpenMP runtime reads its environment when it is
/// loaded, so the program starts itself once more. Does nothing if the user chose (OMP_WAIT_POLICY,
/// GOMP_SPINCOUNT), or if it cannot.
void restart_with_short_waits(char** argv);

}  // namespace simclr::cli
