#!/usr/bin/env bash
# Show it all with a paper market and a console: ./run_demo.sh [--data FILE] [--speed N]
set -euo pipefail
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scripts/caller.sh"
source scripts/venv.sh
enter_venv run

set_arguments --data "$@"
exec python3 -m scripts.demo "${arguments[@]}"
