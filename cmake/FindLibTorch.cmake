# Finds LibTorch and defines LibTorch::LibTorch, LibTorch_ROOT_DIR and LibTorch_VERSION. Looks in, first found wins:
#   1. SIMCLR_LIBTORCH, a CMake variable or else an environment variable: a wheel's torch/ folder or an unpacked
#      libtorch. If it is set, nothing else is looked at: a wrong folder is an error.
#   2. the wheel in this tree's virtual environment, .venv/lib/python3.*/site-packages/torch
#   3. the wheel of the active virtual environment (VIRTUAL_ENV)
# It never asks find_package(Torch): that would mix in Debian's libtorch-dev, whose 1.13 headers and libraries make the
# program abort at start. No CUDA toolkit is needed, for a CUDA wheel neither: only its shared libraries are linked.
set(SIMCLR_LIBTORCH "" CACHE PATH "A LibTorch to use instead of the wheel in .venv")
set(_oldest 2.6)   # before it, wheels have the other C++ ABI of std::string
set(_tested 2.13)

function(_libtorch_is_in result folder)
  set(${result} FALSE PARENT_SCOPE)
  if(EXISTS "${folder}/lib/libtorch_cpu.so" AND EXISTS "${folder}/lib/libc10.so"
      AND EXISTS "${folder}/include/ATen/core/Tensor.h")
    set(${result} TRUE PARENT_SCOPE)
  endif()
endfunction()

function(_libtorch_version result folder)
  set(version "")
  foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
    if(NOT version AND EXISTS "${folder}/include/${header}")
      file(STRINGS "${folder}/include/${header}" lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
      list(TRANSFORM lines REPLACE "^.* ([0-9]+).*$" "\\1")
      list(JOIN lines "." version)
    endif()
  endforeach()
  set(${result} "${version}" PARENT_SCOPE)
endfunction()

set(_chosen "${SIMCLR_LIBTORCH}")
if(NOT _chosen)
  set(_chosen "$ENV{SIMCLR_LIBTORCH}")
endif()
if(_chosen)
  set(_candidates "${_chosen}")
else()
  file(GLOB _candidates "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  if(DEFINED ENV{VIRTUAL_ENV})
    file(GLOB _active "$ENV{VIRTUAL_ENV}/lib/python3*/site-packages/torch")
    list(APPEND _candidates ${_active})
  endif()
endif()

set(LibTorch_ROOT_DIR "LibTorch_ROOT_DIR-NOTFOUND")
foreach(_folder IN LISTS _candidates)
  _libtorch_is_in(_found "${_folder}")
  if(_found)
    set(LibTorch_ROOT_DIR "${_folder}")
    break()
  endif()
endforeach()
if(_chosen AND NOT LibTorch_ROOT_DIR)
  message(FATAL_ERROR "SIMCLR_LIBTORCH is ${_chosen}, where no LibTorch is: lib/libtorch_cpu.so, lib/libc10.so and "
    "include/ATen/core/Tensor.h are expected in it. Set it to a wheel's torch/ folder or an unpacked libtorch, or unset "
    "it and run scripts/setup.")
endif()

set(LibTorch_VERSION "")
if(LibTorch_ROOT_DIR)
  _libtorch_version(LibTorch_VERSION "${LibTorch_ROOT_DIR}")
endif()
if(LibTorch_ROOT_DIR AND (NOT LibTorch_VERSION OR LibTorch_VERSION VERSION_LESS _oldest))
  message(FATAL_ERROR "The LibTorch in ${LibTorch_ROOT_DIR} has version '${LibTorch_VERSION}'; ${_oldest} or newer is "
    "needed, ${_tested} is tested. Run scripts/setup, or set SIMCLR_LIBTORCH to another one.")
endif()
if(LibTorch_VERSION AND NOT "${LibTorch_VERSION}." MATCHES "^${_tested}\\.")
  message(WARNING "LibTorch ${LibTorch_VERSION} in ${LibTorch_ROOT_DIR}: only ${_tested} is tested.")
endif()

list(JOIN _candidates ", " _looked_in)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_ROOT_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup, or set SIMCLR_LIBTORCH to a wheel's torch/ folder or an unpacked libtorch (looked in: ${_looked_in})")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    "${LibTorch_ROOT_DIR}/include" "${LibTorch_ROOT_DIR}/include/torch/csrc/api/include")
  # Whole paths: CMake then writes them into the program, which runs from the build tree with no environment set.
  target_link_libraries(LibTorch::LibTorch INTERFACE
    "${LibTorch_ROOT_DIR}/lib/libtorch_cpu.so" "${LibTorch_ROOT_DIR}/lib/libc10.so")
  if(EXISTS "${LibTorch_ROOT_DIR}/lib/libtorch_cuda.so")
    # Nothing refers to the CUDA library by symbol, it registers itself when loaded: keep it though "unused". One
    # option, so that nothing is sorted in between. It brings libc10_cuda.so and CUDA's own libraries itself.
    target_link_options(LibTorch::LibTorch INTERFACE
      "LINKER:--push-state,--no-as-needed,${LibTorch_ROOT_DIR}/lib/libtorch_cuda.so,--pop-state")
  endif()
endif()
