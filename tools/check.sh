#!/usr/bin/env bash
# Everything that reads the code without running it. All of it runs, whatever fails, and the end says which did.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=()

step() { # name, command
    local name=$1
    shift
    echo "== $name"
    "$@" || failed+=("$name")
}

step style $bin/ruff check .
step layout $bin/ruff format --check --quiet .
step types $bin/mypy
step floors $bin/lint-imports
step templates $bin/djlint --quiet --lint templates
step spelling $bin/codespell .

if [ ${#failed[@]} -gt 0 ]; then
    echo "Not in order: ${failed[*]}" >&2
    exit 1
fi
echo "All in order."
