#!/usr/bin/env bash
# Everything that guards the project, in the order in which it fails cheapest. `make test` and `.ci/run` run exactly this.
#
# The core is compiled once as a library (profile `suite`), for its integration tests and for the extension that every Python
# suite imports, and once more with its unit tests. Clippy has a target folder of its own: maturin hands PyO3's build script an
# environment that a plain cargo call does not have, and in one folder each would undo the other's work.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/bootstrap.sh lint >/dev/null
scripts/venv.sh dev

# Whoever built the release extension gets it back, unless the sources have moved on since.
restore() {
  local release=target/release/lib_core.so
  if [[ -f $release && -z $(find rust policies Cargo.toml Cargo.lock -type f -newer $release -print -quit) ]]; then
    scripts/extension.sh release >/dev/null 2>&1 || true
  fi
}
trap restore EXIT

step() {
  echo "== $*"
  "$@"
}
bin=.venv/bin
step cargo fmt --all --check
step $bin/ruff check
step $bin/ruff format --check
step cargo clippy --quiet --locked --profile suite --target-dir target/clippy -p turnout-core -p turnout-py --all-targets -- -D warnings
step cargo test --quiet --locked --profile suite
step scripts/extension.sh suite
step $bin/mypy
step $bin/python -m mypy.stubtest turnout._core --mypy-config-file pyproject.toml
step $bin/python -m pytest --quiet
echo "== everything passed"
