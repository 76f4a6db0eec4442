#!/usr/bin/env bash
# Run the tests: ./run_tests.sh [--all] [pytest arguments]; --all adds the long ones. As many
# files at once as there are cores, up to four; `-n 0` runs one test after the other.
set -euo pipefail
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scripts/caller.sh"
source scripts/venv.sh
enter_venv run test

# As on a bare machine: unbuffered output hides what is left in a buffer at the end.
unset PYTHONUNBUFFERED
exec python3 -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile "$@"
