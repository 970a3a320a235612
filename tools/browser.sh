#!/usr/bin/env bash
# Finds a Chromium for the browser tests, and what Playwright needs to drive it. What is missing is installed by the
# system's own package manager. The tests look for the same names (tests/browser/conftest.py).
set -euo pipefail
cd "$(dirname "$0")/.."

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

# Playwright speaks to the browser through a program of its own, which needs one library that a bare Debian lacks.
driver_starts() {
    local driver
    for driver in .venv/lib/python3*/site-packages/playwright/driver/node; do
        "$driver" --version >/dev/null 2>&1 || return 1
    done
}

packages=()
# The font with it: a bare system has none at all, and a page without letters has no width to test.
find_browser || packages+=(chromium fonts-dejavu-core)
driver_starts || packages+=(libatomic1)
[ ${#packages[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    else
        cat >&2 <<SAY

The browser tests need what is not on this machine, and installing it needs the administrator's rights.
On Debian: sudo apt-get install ${packages[*]}
On Ubuntu: sudo snap install chromium, and sudo apt-get install libatomic1
On Fedora: sudo dnf install chromium libatomic
Then run the same command again. Everything but the browser tests runs without it: make test-quick
SAY
        exit 1
    fi
fi

echo "Installing what the browser tests need (${packages[*]}) ..."
if command -v apt-get >/dev/null 2>&1; then
    # The list first: on a bare machine it is empty, and an old one names files that are gone.
    ${as_root[@]+"${as_root[@]}"} apt-get update -qq </dev/null || true
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null >/dev/null || true
elif command -v dnf >/dev/null 2>&1; then
    ${as_root[@]+"${as_root[@]}"} dnf install -y -q chromium libatomic </dev/null || true
fi
if find_browser && driver_starts; then
    exit 0
fi

# Ubuntu has no chromium package of its own, and a container has no snaps; Playwright brings one of its own.
if driver_starts; then
    echo "The system has no Chromium to install; trying the one that Playwright brings ..."
    if .venv/bin/python -m playwright install --with-deps chromium </dev/null; then
        exit 0
    fi
fi
cat >&2 <<'SAY'

What the browser tests need could not be installed; the lines above say why.
Install a Chromium by hand (named chromium, chromium-browser or google-chrome) and the library libatomic, and run the
same command again. Everything but the browser tests runs without them: make test-quick
SAY
exit 1
