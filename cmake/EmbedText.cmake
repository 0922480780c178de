# simclr_embed_text(TARGET FILE FUNCTION): compiles a text file into TARGET as `const char* simclr::FUNCTION()`, so that
# the program needs no file beside it.
function(simclr_embed_text target file function)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(READ "${file}" text)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/embedded_${function}.cpp")
  file(CONFIGURE OUTPUT "${source}" CONTENT [[
namespace simclr {
const char* @function@();
const char* @function@() { return R"embedded(@text@)embedded"; }
}  // namespace simclr
]] @ONLY)
  target_sources(${target} PRIVATE "${source}")
endfunction()
