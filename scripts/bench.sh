#!/usr/bin/env bash
# The benchmarks, after what makes their numbers mean something: the machine, the versions, the commit.
# `scripts/bench.sh FILTER` runs those of the core whose name contains FILTER.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/venv.sh run
scripts/extension.sh release

processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
echo "date       $(date -u +%Y-%m-%d)"
echo "machine    ${processor:-$(uname -m)}, $(getconf _NPROCESSORS_ONLN) cores, load $(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null || echo unknown)"
echo "system     $(uname -sr)"
echo "versions   $(rustc --version | cut -d ' ' -f 1-2), $(.venv/bin/python --version), turnout $(.venv/bin/python -c 'from importlib.metadata import version; print(version("turnout"))')"
echo "commit     $(git describe --always --dirty 2>/dev/null || echo "not a git checkout")"
echo

cargo bench --quiet --locked -p turnout-benches -- "$@"
# Peers have interpreters of their own, named in variables; without one its comparison says that it is absent.
for script in benches/*.py benches/peers/beside_*.py; do
  [[ -e $script ]] || continue
  echo "== $script"
  .venv/bin/python "$script"
done
