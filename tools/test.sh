#!/usr/bin/env bash
# Every test, on the environment whose bin folder comes first in PATH. `make test` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_WAIT_POLICY=PASSIVE HF_HUB_OFFLINE=1 MPLBACKEND=agg

echo "== layout"
python tools/check_layout.py
echo "== style"
chkstyle nbs tests bench tools setup.py

echo "== notebooks are clean and fastclf/ is what they export"
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
cp -r nbs fastclf pyproject.toml settings.ini README.md "$tmp"
(cd "$tmp" && nbdev-export && nbdev-clean)
for d in nbs fastclf; do
    diff -r -x __pycache__ -x .ipynb_checkpoints -x .last_checked "$d" "$tmp/$d" || { echo "$d is out of date; run: make prepare"; exit 1; }
done
python tools/make_readme.py --check

echo "== notebooks"
nbdev_test --do-print --timing
echo "== tests"
pytest tests
