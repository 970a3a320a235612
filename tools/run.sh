#!/usr/bin/env bash
# The demonstration: made-up people, a server and a worker on this machine. For real people see docs/runbooks.
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
$python -m tools.squeeze >/dev/null
settings=$($python -m tools.demonstration)
eval "$settings"

$python -m portal.cli set-up-demo
# exec: a signal sent to make's child reaches the portal itself, so that it can end in order.
exec $python -m portal.cli run
