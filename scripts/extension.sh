#!/usr/bin/env bash
# Builds `turnout._core` with the given Cargo profile and puts it into python/turnout; `.venv` imports it from there.
#
# Cargo decides what is stale, so a second call costs half a second. The package itself is installed (editable) once.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=$1
export VIRTUAL_ENV=$PWD/.venv PATH=$PWD/.venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CONSTRAINT=$PWD/constraints.txt

# Staged anew from `policies/` by the build; without this a policy that is gone from there would live on.
rm -rf python/turnout/policies

echo "building turnout._core (profile $profile)"
if [[ -x .venv/bin/turnout && .venv/bin/turnout -nt pyproject.toml && .venv/bin/turnout -nt .venv/made-for ]]; then
  # Its progress is of interest only when it fails.
  log=$(maturin develop --quiet --skip-install --profile "$profile" 2>&1) || { echo "$log" >&2; exit 1; }
else
  echo "the first build of a profile compiles every crate: a minute or two"
  python -m pip install --quiet --no-input --no-build-isolation --no-deps --config-settings "build-args=--profile $profile" --editable .
fi
