#!/usr/bin/env bash
# Makes requirements.txt and requirements-test.txt anew: every version and hash, for every system, from the .in files.
# Nothing younger than seven days: a package that was tampered with is usually found and withdrawn within that time.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -x .venv/lock/bin/uv ]; then
    python3 -m venv .venv/lock
    .venv/lock/bin/pip install --quiet --disable-pip-version-check uv
fi
week_ago=$(python3 -c 'import datetime as d; print((d.datetime.now(d.UTC) - d.timedelta(days=7)).strftime("%Y-%m-%dT00:00:00Z"))')
for name in requirements requirements-test; do
    .venv/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --no-emit-find-links --exclude-newer "$week_ago" "$@" "$name.in" --output-file "$name.txt"
done
git --no-pager diff --stat -- requirements.txt requirements-test.txt
