#!/usr/bin/env bash
# Builds a wheel into dist/, and proves that it installs and imports where nothing else of Turnout is.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
scripts/venv.sh run
export VIRTUAL_ENV=$root/.venv PATH=$root/.venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1

rm -f dist/turnout-*.whl
echo "building a wheel"
log=$(maturin build --quiet --release --out dist 2>&1) || { echo "$log" >&2; exit 1; }
wheel=$(echo "$root"/dist/turnout-*.whl)

clean=$(mktemp -d)
trap 'rm -rf "$clean"' EXIT
.venv/bin/python -m venv "$clean/venv"
cd "$clean"  # nothing of the repository may be importable from here
"$clean/venv/bin/python" -m pip install --quiet --no-input --constraint "$root/constraints.txt" "$wheel"
"$clean/venv/bin/python" -I "$root/scripts/check_wheel.py" "$wheel" "$root"
