#!/usr/bin/env bash
# Makes .venv and installs the locked packages: `tools/environment.sh run` what the portal needs to run,
# `tools/environment.sh test` what the tests need as well. A second run finds its own stamp and does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-run}
venv=.venv

stop() {
    printf '%s\n' '' "$@" >&2
    exit 1
}

# Is this a Python we can use? Running it is the only sure test: version managers leave names behind that start nothing.
good_python() {
    "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    local name
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14 \
        /usr/bin/python3 /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11 /usr/local/bin/python3; do
        if command -v "$name" >/dev/null 2>&1 && good_python "$name"; then
            command -v "$name"
            return
        fi
    done
    stop "Python 3.11 or later was not found." \
        "On Debian 12 or Ubuntu 24.04: sudo apt-get install python3 python3-venv" \
        "If it is somewhere else, name it: make PYTHON=/folder/bin/python3 $what"
}

# What a lock holds decides, not when its file was last touched: a fresh clone has new dates on every file.
stamp_of() {
    cksum "$@" | cksum | tr -d ' '
}

install() { # stamp name, then lock files
    local name=$1
    shift
    local stamp
    stamp=$venv/.installed-$name-$(stamp_of "$@")
    if [ -e "$stamp" ]; then
        return
    fi
    local wanted=() lock
    for lock in "$@"; do wanted+=(-r "$lock"); done
    echo "Installing the packages listed in $* (every one checked by its hash) ..."
    local pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes)
    # Ready-made packages first: they need no compiler and run no code while they are installed.
    if ! "${pip[@]}" --only-binary :all: "${wanted[@]}"; then
        if ! command -v cc >/dev/null 2>&1 && ! command -v gcc >/dev/null 2>&1; then
            stop "The packages could not be installed; the lines above say why." \
                "If a download failed, run the same command again when the network is back." \
                "If a package has no ready-made form for this machine, it must be built, and no C compiler was found." \
                "On Debian or Ubuntu: sudo apt-get install build-essential python3-dev"
        fi
        echo "Not every package could be had ready-made; trying again, building what is missing ..."
        "${pip[@]}" "${wanted[@]}" || stop "The packages could not be installed; the lines above say why."
    fi
    rm -f "$venv/.installed-$name-"*
    touch "$stamp"
}

if ! [ -x $venv/bin/python ] || ! good_python $venv/bin/python; then
    python=$(find_python)
    echo "Making $venv with $("$python" --version) ..."
    if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        stop "Python's own module for virtual environments is missing." \
            "On Debian or Ubuntu: sudo apt-get install python3-venv"
    fi
    rm -rf $venv
    "$python" -m venv $venv || stop "$venv could not be made; the lines above say why."
fi

install run requirements.txt
if [ "$what" = test ]; then
    # Both locks at once, so that pip would notice if the two ever disagreed.
    install test requirements.txt requirements-test.txt
fi
