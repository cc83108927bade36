#!/usr/bin/env bash
# Rewrites constraints.txt: resolves what pyproject.toml asks for in a fresh environment and keeps every version it gets.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(scripts/bootstrap.sh)
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$python" -m venv "$fresh"
"$python" scripts/requirements.py dev >"$fresh/requirements.txt"
"$fresh/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --requirement "$fresh/requirements.txt"
{
  echo "# Every version that \`make\` installs, direct and transitive. \`scripts/pin.sh\` rewrites this file."
  "$fresh/bin/python" -m pip freeze --disable-pip-version-check | LC_ALL=C sort --ignore-case
} >constraints.txt
