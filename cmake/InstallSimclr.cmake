# `cmake --install build/release --prefix DIR`: the program, every layer as a library with its headers, and the package
# that find_package(simclr) reads. It links simclr::simclr, all layers together.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(simclr_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/simclr")

# simclr_install_layer(NAME): its library and its headers.
function(simclr_install_layer name)
  install(TARGETS simclr_${name} EXPORT simclrTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/src/simclr/${name}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/simclr"
    FILES_MATCHING PATTERN "*.h")
  set_property(GLOBAL APPEND PROPERTY simclr_layers simclr_${name})
endfunction()

# simclr_install_package(): the program and the package, once every layer is known.
function(simclr_install_package)
  get_property(layers GLOBAL PROPERTY simclr_layers)
  add_library(simclr_all INTERFACE)
  set_target_properties(simclr_all PROPERTIES EXPORT_NAME simclr)
  target_link_libraries(simclr_all INTERFACE ${layers})
  install(TARGETS simclr_all EXPORT simclrTargets)
  if(TARGET simclr)
    # Said outright: the wheel may lie inside the source tree, whose paths CMake leaves out by itself.
    set_target_properties(simclr PROPERTIES INSTALL_RPATH "${LibTorch_ROOT_DIR}/lib")
    install(TARGETS simclr RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  endif()
  install(EXPORT simclrTargets NAMESPACE simclr:: DESTINATION "${simclr_package_dir}")
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/simclrConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/simclrConfig.cmake" INSTALL_DESTINATION "${simclr_package_dir}")
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/simclrConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${PROJECT_BINARY_DIR}/simclrConfig.cmake" "${PROJECT_BINARY_DIR}/simclrConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindLibTorch.cmake" DESTINATION "${simclr_package_dir}")
endfunction()
