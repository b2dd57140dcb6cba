#!/usr/bin/env bash
# Install into the environment VENV what `pip install` would, at the versions of constraints.txt.
#
#   VENV=.venv scripts/install.sh --editable '.[dev]'
#
# uv takes a quarter of pip's time, but does not read pip's settings: where these name a registry, or none, and where uv
# fails, pip does it.
set -euo pipefail
python="${VENV:?the folder of the environment}/bin/python"
what=(--quiet --constraint constraints.txt)
with_pip() { "$python" -m pip --disable-pip-version-check install "${what[@]}" "$@"; }
pips_own=$("$python" -m pip config list | grep -E '[.](index-url|no-index)=' || true)
if [ -z "$pips_own" ] && with_pip uv; then
    "$python" -m uv pip install --python "$python" "${what[@]}" "$@" && exit
    echo "uv failed; pip is asked instead" >&2
fi
with_pip "$@"
