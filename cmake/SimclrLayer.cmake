# simclr_add_layer(NAME [TORCH] LINK <targets...>)
# One static library per folder of src/simclr: simclr_<name>, made of every .cpp in it.
# TORCH marks a layer that sees LibTorch; it is left out when SIMCLR_WITH_TORCH is OFF.
set(SIMCLR_WARNINGS -Wall -Wextra -Wshadow -Wconversion -Werror)

function(simclr_add_layer name)
  cmake_parse_arguments(ARG "TORCH" "" "LINK" ${ARGN})
  if(ARG_TORCH AND NOT SIMCLR_WITH_TORCH)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp")
  add_library(simclr_${name} STATIC ${sources})
  target_include_directories(simclr_${name} PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_compile_options(simclr_${name} PRIVATE ${SIMCLR_WARNINGS} -ffp-contract=off)
  target_link_libraries(simclr_${name} PUBLIC ${ARG_LINK})
  if(ARG_TORCH)
    target_link_libraries(simclr_${name} PUBLIC LibTorch::LibTorch)
  endif()
  simclr_install_layer(${name})
endfunction()
