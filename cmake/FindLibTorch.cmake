# Finds LibTorch and defines LibTorch::LibTorch. Looks in, first found wins:
#   1. SIMCLR_LIBTORCH (CMake or environment variable): a wheel's torch/ folder or an unpacked libtorch
#   2. the wheel in this tree's virtual environment, .venv/lib/python3.*/site-packages/torch
#   3. the wheel of the active virtual environment (VIRTUAL_ENV)
# It never asks find_package(Torch): that would mix in Debian's libtorch-dev, whose 1.13 headers and libraries make the
# program abort at start. No CUDA toolkit is needed, for a CUDA wheel neither: only its shared libraries are linked.
set(_candidates "${SIMCLR_LIBTORCH}" "$ENV{SIMCLR_LIBTORCH}")
list(FILTER _candidates EXCLUDE REGEX "^$")
if(NOT _candidates)
  file(GLOB _candidates "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  if(DEFINED ENV{VIRTUAL_ENV})
    file(GLOB _active "$ENV{VIRTUAL_ENV}/lib/python3*/site-packages/torch")
    list(APPEND _candidates ${_active})
  endif()
endif()

set(LibTorch_ROOT_DIR "LibTorch_ROOT_DIR-NOTFOUND")
foreach(_dir IN LISTS _candidates)
  if(EXISTS "${_dir}/lib/libtorch_cpu.so" AND EXISTS "${_dir}/include/ATen/core/Tensor.h")
    set(LibTorch_ROOT_DIR "${_dir}")
    break()
  endif()
endforeach()

set(LibTorch_VERSION "")
if(EXISTS "${LibTorch_ROOT_DIR}/include/torch/headeronly/version.h")
  file(STRINGS "${LibTorch_ROOT_DIR}/include/torch/headeronly/version.h" _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  foreach(_line IN LISTS _lines)
    string(REGEX MATCH "([0-9]+)$" _number "${_line}")
    list(APPEND _numbers "${_number}")
  endforeach()
  list(JOIN _numbers "." LibTorch_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_ROOT_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup, or set SIMCLR_LIBTORCH to a wheel's torch/ folder or an unpacked libtorch (looked in: ${_candidates})")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    "${LibTorch_ROOT_DIR}/include" "${LibTorch_ROOT_DIR}/include/torch/csrc/api/include")
  set(_libraries "${LibTorch_ROOT_DIR}/lib/libtorch_cpu.so" "${LibTorch_ROOT_DIR}/lib/libc10.so")
  if(EXISTS "${LibTorch_ROOT_DIR}/lib/libtorch_cuda.so")
    # Nothing refers to the CUDA library by symbol, it registers itself when loaded: keep it though "unused".
    set(_libraries "-Wl,--no-as-needed" "${LibTorch_ROOT_DIR}/lib/libtorch_cuda.so" "${LibTorch_ROOT_DIR}/lib/libc10_cuda.so"
      "-Wl,--as-needed" ${_libraries})
  endif()
  target_link_libraries(LibTorch::LibTorch INTERFACE ${_libraries})
  # The program runs from the build tree with no environment set.
  target_link_options(LibTorch::LibTorch INTERFACE "-Wl,-rpath,${LibTorch_ROOT_DIR}/lib")
endif()
