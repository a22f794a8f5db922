#!/usr/bin/env bash
# Prove the GPU path: bash scripts/gpu_proof.sh OUT [--device cpu|cuda] [--smoke]; see docs/gpu.md.
set -euo pipefail
out=${1:?usage: bash scripts/gpu_proof.sh OUT [--device cpu|cuda] [--smoke]}
shift
[[ $out = /* ]] || out=$PWD/$out
cd "$(dirname "$0")/.."
# The environment of the project where there is one; a machine with a GPU may have packages of its own.
if [[ -z ${PYTHON:-} ]]; then
  if [[ -x .venv/bin/python ]]; then PYTHON=.venv/bin/python; else PYTHON=python3; fi
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch NUMBA_CACHE_DIR=$scratch/numba PYTHONPATH=$PWD/workflow PYTHONDONTWRITEBYTECODE=1
"$PYTHON" scripts/gpu_proof.py "$out" "$@"
