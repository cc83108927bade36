#!/usr/bin/env bash
# Tries other people's programs on what we ship: completion and hovers in a policy, by the language server that editors use.
#
# Needs node and npm, and a registry for the first run; where they are missing it says so and ends well, for the suite checks
# the schema without them.
set -euo pipefail
cd "$(dirname "$0")/.."
server=yaml-language-server@2.0.0

for program in node npm; do
  if ! command -v "$program" >/dev/null; then
    echo "skipped: \`$program\` is not installed, and $server needs it"
    exit 0
  fi
done
scripts/venv.sh dev
home=target/clients
if [[ "$(cat "$home/installed" 2>/dev/null)" != "$server" ]]; then
  mkdir -p "$home"
  echo "installing $server"
  if ! npm install --prefix "$home" --no-audit --no-fund --silent "$server" >"$home/npm.log" 2>&1; then
    echo "skipped: npm could not install $server ($home/npm.log says why)"
    exit 0
  fi
  echo "$server" >"$home/installed"
fi
.venv/bin/python scripts/try_language_server.py "$home/node_modules/.bin/yaml-language-server" policies/balanced.yaml
