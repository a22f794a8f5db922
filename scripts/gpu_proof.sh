#!/usr/bin/env bash
# Prove the GPU path: bash scripts/gpu_proof.sh OUT [--device cpu|cuda] [--smoke]; see docs/gpu.md.
set -euo pipefail
out=${1:?usage: bash scripts/gpu_proof.sh OUT [--device cpu|cuda] [--smoke]}
shift
[[ $out = /* ]] || out=$PWD/$out
cd "$(dirname "$0")/.."
# The environment of the project where there is one; a machine with a GPU may have packages of its own.
python=.venv/bin/python
[[ -x $python ]] || python=python3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch NUMBA_CACHE_DIR=$scratch/numba PYTHONPATH=$PWD/workflow${PYTHONPATH:+:$PYTHONPATH} PYTHONDONTWRITEBYTECODE=1
"$python" scripts/gpu_proof.py "$out" "$@"
