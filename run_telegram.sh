#!/usr/bin/env bash
# Start the bridge: ./run_telegram.sh [--console] [--json] [--config FILE], or
# ./run_telegram.sh setup to find the chat and write telegram.yaml.
set -euo pipefail
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/scripts/caller.sh"
source scripts/venv.sh
enter_venv run

set_arguments "--config backup restore" "$@"
exec python3 -c "from telegram.main import main; main()" "${arguments[@]}"
