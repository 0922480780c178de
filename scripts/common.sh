# What the scripts share: sourced by setup, demo and test, never run. Leaves the caller in the repository's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Prints the comment at the top of the calling script: its help.
print_help() {
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
}

# stage NAME COMMAND...: runs the command, timed. `report_stages` lists them, the one that failed included.
stage_lines=()
stage_name=""
stage() {
  stage_name=$1
  stage_start=$SECONDS
  shift
  printf '\n== %s\n' "$stage_name"
  "$@"
  stage_lines+=("$(printf '%-34s %5d s' "$stage_name" $((SECONDS - stage_start)))")
  printf -- '-- %s: %d s\n' "$stage_name" $((SECONDS - stage_start))
  stage_name=""
}

report_stages() {
  local status=$?
  printf '\n'
  ((${#stage_lines[@]} == 0)) || printf 'ok      %s\n' "${stage_lines[@]}"
  if [[ -n $stage_name ]]; then
    printf 'FAILED  %-34s %5d s\n' "$stage_name" $((SECONDS - stage_start))
  fi
  return $status
}

# How many compilers run at once: one per processor, and 1.5 GB for each (a file that sees LibTorch needs about that).
build_jobs() {
  local by_memory
  by_memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo 2>/dev/null || true)
  local jobs=$(nproc)
  ((${by_memory:-jobs} >= jobs)) || jobs=$by_memory
  echo $((jobs > 0 ? jobs : 1))
}

configure_preset() {
  cmake --preset "$1" --log-level=WARNING
}

# build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1
  shift
  cmake --build --preset "$preset" -j "$(build_jobs)" ${1:+--target "$@"}
}

# The first Python that is new enough; the system's comes before any other, since python3-venv belongs to it.
# usable_python [MODULE...]: it must have these modules too.
usable_python() {
  local candidate
  for candidate in /usr/bin/python3 python3 /usr/bin/python3.1[0-9]; do
    if "$candidate" -c "import sys${*:+, }$(IFS=,; echo "$*"); sys.exit(sys.version_info < (3, 10))" 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  fail "no Python 3.10 or newer${*:+ with its modules $*} found; install the packages python3 and python3-venv"
}
