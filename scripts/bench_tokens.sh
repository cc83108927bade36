#!/usr/bin/env bash
# The token counters beside tiktoken and ctok: speed, and whether the counts agree. TURNOUT_BENCH_TOKENS_PEER is an
# interpreter that has both, TURNOUT_BENCH_TEXTS a folder of texts,
# TURNOUT_BENCH_TOKENS a folder of recorded requests; without them it says what it left out.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/venv.sh run
scripts/extension.sh release

processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
echo "date       $(date -u +%Y-%m-%d)"
echo "machine    ${processor:-$(uname -m)}, $(getconf _NPROCESSORS_ONLN) cores, load $(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null || echo unknown)"
echo "commit     $(git describe --always --dirty 2>/dev/null || echo "not a git checkout")"
for script in benches/tokens/*.py; do
  [[ $script != benches/tokens/peer.py ]] || continue
  echo "== $script"
  .venv/bin/python "$script"
done
