#!/usr/bin/env bash
# Finds a Chromium for the browser tests, and installs one by the system's own package manager when there is none.
# The tests look for the same names (tests/browser/conftest.py).
set -euo pipefail

find_browser() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        # On Ubuntu the name may only be a note that says "install the snap"; a browser tells its version.
        if command -v "$name" >/dev/null 2>&1 && "$name" --version >/dev/null 2>&1; then
            return 0
        fi
    done
    return 1
}

find_browser && exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    else
        cat >&2 <<'SAY'

Chromium was not found, and installing it needs the administrator's rights.
On Debian: sudo apt-get install chromium
On Ubuntu: sudo snap install chromium
On Fedora: sudo dnf install chromium
Then run the same command again. Everything but the browser tests runs without it: make test-quick
SAY
        exit 1
    fi
fi

echo "Installing Chromium for the browser tests ..."
if command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    # The list first: on a bare machine it is empty, and an old one names files that are gone.
    "${as_root[@]}" apt-get update -qq </dev/null || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends chromium </dev/null >/dev/null || true
elif command -v dnf >/dev/null 2>&1; then
    "${as_root[@]}" dnf install -y -q chromium </dev/null || true
elif command -v apk >/dev/null 2>&1; then
    "${as_root[@]}" apk add --quiet chromium </dev/null || true
fi

find_browser && exit 0

# Ubuntu has no chromium package of its own, and a container has no snaps; Playwright brings one of its own.
echo "The system has no Chromium to install; trying the one that Playwright brings ..."
if .venv/bin/python -m playwright install --with-deps chromium </dev/null; then
    exit 0
fi
cat >&2 <<'SAY'

Chromium could not be installed; the lines above say why.
Install it by hand (packages: chromium, chromium-browser or google-chrome) and run the same command again.
Everything but the browser tests runs without it: make test-quick
SAY
exit 1
