#!/usr/bin/env bash
# Checks that this machine has what a build needs, and prints the Python to build with.
#
# Speaks first: when something is missing or too old, the first line says so and what to install, and nothing else runs.
# `scripts/bootstrap.sh lint` also asks for rustfmt and clippy.
set -euo pipefail

missing=()

fail_later() { missing+=("$1"); }

at_least() { # at_least 1.95.0 1.88
  local -i major minor want_major want_minor
  IFS=. read -r major minor _ <<<"$1"
  IFS=. read -r want_major want_minor <<<"$2"
  ((major > want_major || (major == want_major && minor >= want_minor)))
}

# A name on PATH proves little: pyenv leaves shims for versions that are switched off. So each candidate has to run.
python=""
seen=""
if [[ -n "${PYTHON:-}" ]]; then candidates=("$PYTHON"); else candidates=(python3.13 python3.12 python3.11 python3); fi
for candidate in "${candidates[@]}"; do
  version=$("$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
  if ! at_least "$version" 3.11; then
    seen="$candidate is $version, too old"
  elif ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
    seen="$candidate is $version but has no venv module"
  else
    # In an activated environment (ours, perhaps) this is the Python below it, which can make another.
    python=$("$candidate" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))')
    break
  fi
done
if [[ -z "$python" ]]; then
  if [[ -n "${PYTHON:-}" ]]; then seen="${seen:-\$PYTHON is \`$PYTHON\`, which does not run}"; fi
  fail_later "Python >= 3.11 with venv (${seen:-no python3 found}): install python3 and python3-venv, or set PYTHON to one"
fi

for tool in rustc cargo; do
  if ! version=$("$tool" --version 2>/dev/null); then
    fail_later "Rust >= 1.88 (no working $tool found): install it with rustup, see https://rustup.rs"
    break
  fi
  version=${version#* }
  version=${version%%[ -]*}
  if ! at_least "$version" 1.88; then
    fail_later "Rust >= 1.88 ($tool is $version, too old): run \`rustup update stable\`, see https://rustup.rs"
    break
  fi
done

if ! command -v "${CC:-cc}" >/dev/null 2>&1; then
  fail_later "a C toolchain to link with (no ${CC:-cc} found): install gcc"
fi

if [[ "${1:-}" == lint && ${#missing[@]} -eq 0 ]]; then
  for component in fmt clippy; do
    cargo "$component" --version >/dev/null 2>&1 ||
      fail_later "cargo $component (not in this Rust toolchain): run \`rustup component add rustfmt clippy\`"
  done
fi

if ((${#missing[@]})); then
  printf 'turnout needs %s\n' "${missing[@]}" >&2
  exit 1
fi
printf '%s\n' "$python"
