#!/usr/bin/env bash
# Makes `.venv` and puts the pinned dependencies in it. `scripts/venv.sh run`: what the product needs; `dev`: the test tools too.
#
# Does nothing when the last installation still fits: same place, same Python, same pyproject.toml and constraints.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
want=$1
python=$(scripts/bootstrap.sh)

fingerprint=$({ pwd && "$python" -VV && echo "$python" && cat pyproject.toml constraints.txt; } | cksum)
stamp=.venv/installed
if [[ -f $stamp ]] && .venv/bin/python -c '' 2>/dev/null; then
  case "$want:$(cat $stamp)" in
    "run:run $fingerprint" | "run:dev $fingerprint" | "dev:dev $fingerprint") exit 0 ;;
  esac
fi

# A virtual environment holds absolute paths and one Python: after a move or a change of Python it is made anew.
if [[ "$(cat .venv/made-for 2>/dev/null)" != "$PWD $python" ]] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  echo "creating .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
  echo "$PWD $python" >.venv/made-for
fi
rm -f $stamp

echo "installing the pinned dependencies ($want)"
.venv/bin/python scripts/requirements.py "$want" >.venv/requirements.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
  --constraint constraints.txt --requirement .venv/requirements.txt
echo "$want $fingerprint" >$stamp
