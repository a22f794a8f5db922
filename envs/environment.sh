#!/bin/sh
# Make .venv from envs/requirements.lock, unless it is there and fits; `make environment` calls it.
#
# It fits if it was finished, in this folder, from this lock file, and with the version of $PYTHON where that is set.
# A .venv that is a link is somebody's choice: it is used if it fits, and never changed.
#
# WHEELS=folder   takes packages from a folder alone, which `make wheels` fills; no network is needed
# HASHES=1        compares packages with the SHA-256 in envs/requirements.hashes
# TORCH=cpu       the build of torch with this label, such as cpu or cu130, from the indexes that pip is told of
# INSTALLER=uv    installs with uv, which reads nothing of pip's configuration: see `with_uv`
set -eu
cd -P "$(dirname "$0")/.."
stamp=.venv/.made
python=${PYTHON:-python3}
# Not by the environment that may have to be made anew: where it is active, or make puts it first.
while [ "${PATH#"$PWD/.venv/bin:"}" != "$PATH" ]; do PATH=${PATH#"$PWD/.venv/bin:"}; done
# What would send packages elsewhere, or take them from elsewhere.
unset PIP_TARGET PIP_PREFIX PIP_ROOT PYTHONPATH PYTHONHOME
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1

stop() { echo "$1" >&2; exit 1; }
# Without it no command of Snakemake starts: its plug-in for Slurm asks for it when it is imported.
command -v which > /dev/null || stop "which must be installed; on Fedora: dnf install which"
version() { "$1" -Ic 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
lock=$(cksum < envs/requirements.lock)

pinned() { sed -n "s/^$1==//p" envs/requirements.lock; }
label() { .venv/bin/python -Ic 'from importlib.metadata import version; print(version("torch").partition("+")[2])'; }

# Its own variables, such as UV_FIND_LINKS, tell it of indexes. Without any, and without a label, it takes the build of
# torch that fits the driver: none of the gigabytes for CUDA where there is no GPU.
with_uv() {
    [ -n "${WHEELS:-}${UV_FIND_LINKS:-}${UV_INDEX:-}${UV_DEFAULT_INDEX:-}" ] ||
        export UV_TORCH_BACKEND="${TORCH:-${UV_TORCH_BACKEND:-auto}}"
    uv pip install --python .venv/bin/python "$@"
}
with_pip() { .venv/bin/python -Im pip install "$@"; }

misfit() { # why .venv cannot be used; nothing if it can
    [ -f "$stamp" ] || { echo "it was not finished"; return; }
    made_with=$(version .venv/bin/python) || { echo "its Python is gone"; return; }
    { read -r of_version && read -r of_lock && read -r of_folder; } < "$stamp" || { echo "it was not finished"; return; }
    [ "$of_version" = "$made_with" ] || { echo "it was made with Python $of_version, and has $made_with"; return; }
    [ "$of_lock" = "$lock" ] || { echo "envs/requirements.lock has changed"; return; }
    [ -L .venv ] || [ "$of_folder" = "$PWD" ] || { echo "it was made in $of_folder"; return; }
    [ -z "${TORCH:-}" ] || [ "$(label)" = "$TORCH" ] || { echo "its torch is not the build $TORCH"; return; }
    [ -z "${PYTHON:-}" ] || [ "$(version "$PYTHON")" = "$made_with" ] || echo "it has Python $made_with, not $PYTHON"
}

if [ -L .venv ] && [ ! -e .venv ]; then
    rm .venv
fi
if [ -e .venv ]; then
    reason=$(misfit)
    [ -n "$reason" ] || exit 0
    [ ! -L .venv ] || stop ".venv is a link to $(readlink .venv), which does not fit: $reason. Remove the link, or make that anew"
    echo "The environment .venv is made anew: $reason." >&2
fi

found=$(version "$python") || stop "$python does not start; try: make environment PYTHON=python3.12"
case $found in
    3.11 | 3.12 | 3.13) ;;
    *) stop "greedyrank needs Python 3.11 to 3.13; $python is $found. Try: make environment PYTHON=python3.12" ;;
esac
"$python" -Ic 'import venv, ensurepip' 2>/dev/null || stop "$python lacks venv; on Debian: apt-get install python3-venv"
set --
if [ -n "${WHEELS:-}" ]; then
    # `make wheels` builds those of packages that have none.
    [ -z "${HASHES:-}" ] || stop "HASHES does not go with WHEELS: a wheel that was built here has no published SHA-256"
    [ -d "$WHEELS" ] || stop "there is no folder $WHEELS; fill one where there is a network: make wheels WHEELS=folder"
    set -- --no-index --find-links "$WHEELS"
fi
installer=${INSTALLER:-pip}
case $installer in
    pip) ;;
    uv) command -v uv > /dev/null || stop "INSTALLER is uv, and there is no uv on the path; on most systems: pip install uv" ;;
    *) stop "INSTALLER is $installer; allowed: pip, uv" ;;
esac
"$python" -Im venv --clear .venv
if [ -n "${HASHES:-}" ]; then
    "with_$installer" --quiet --require-hashes --no-deps --requirement envs/requirements.hashes "$@"
fi
if [ -n "${TORCH:-}" ]; then
    "with_$installer" --quiet --no-deps \
        "torch==$(pinned torch)+$TORCH" "torchvision==$(pinned torchvision)+$TORCH" "$@"
fi
"with_$installer" --quiet --requirement envs/requirements.lock "$@"
"with_$installer" --quiet --no-deps --no-build-isolation --editable .
printf '%s\n' "$found" "$lock" "$PWD" > "$stamp"
