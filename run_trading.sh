#!/usr/bin/env bash
# Start one bot: ./run_trading.sh [BOT_DIR] [options]; the default BOT_DIR is bots/paper.
set -euo pipefail
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scripts/caller.sh"
source scripts/venv.sh
enter_venv run

if [[ $# -gt 0 && $1 != -* ]]; then
    bot=$(from_caller "$1")
    set -- "$bot" "${@:2}"
fi
exec python3 -c "from trading.main import main; main()" "$@"
