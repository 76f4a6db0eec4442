"""A person with a phone beside the real programs: who is listed, and how a bridge meets Telegram.

The fixtures `api` and `ann` stand in conftest.py, so that every test in this folder has them.
"""

from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import Installation
from tests.processes import ROOT, RunningProcess

TRADER = 42


def start_bridge(here: Installation, api: FakeBotApi, **env: str | None) -> RunningProcess:
    """Start a bridge that talks with this Telegram, and wait until it is ready."""
    environment: dict[str, str | None] = {
        "TELEGRAM_BASE_URL": api.base_url,
        "TELEGRAM_BOT_TOKEN": api.token,
        "TELEGRAM_CHAT_ID": str(TRADER),
    }
    bridge = here.processes.start(
        ROOT / "run_telegram.sh", "--config", here.bridge_file, env=environment | env
    )
    bridge.wait_for(r"^ready$", stream="stderr")
    return bridge
