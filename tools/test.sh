#!/usr/bin/env bash
# Every test, on the environment whose bin folder comes first in PATH. `make test` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_WAIT_POLICY=PASSIVE HF_HUB_OFFLINE=1 MPLBACKEND=agg
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir "$work/copy" "$work/tmp"
export TMPDIR="$work/tmp" # what tests put into temporary folders goes with them: about 600 MB

echo "== layout"
python tools/check_layout.py
echo "== style"
chkstyle nbs tests bench tools setup.py

echo "== notebooks are clean and fastclf/ is what they export"
skip=(--exclude={__pycache__,.ipynb_checkpoints,.last_checked,models,report}) # what running the tutorials leaves
tar -c "${skip[@]}" nbs fastclf pyproject.toml settings.ini README.md | tar -x -C "$work/copy"
(cd "$work/copy" && nbdev-export && nbdev-clean)
for d in nbs fastclf; do
    diff -r "${skip[@]}" "$d" "$work/copy/$d" || { echo "$d is out of date; run: make prepare"; exit 1; }
done
python tools/make_readme.py --check

echo "== notebooks"
nbdev_test --do-print --timing
echo "== tests"
pytest tests
