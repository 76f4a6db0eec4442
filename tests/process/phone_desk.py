"""A person with a phone beside the real programs: who is listed, and how a bridge meets Telegram.

The fixtures `api` and `ann` stand in conftest.py, so that every test in this folder has them.
"""

from tests.fakes.bot_api.messages import Message
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation
from tests.processes import ROOT, RunningProcess

TRADER = 42
# The tests say more in a second than people do, and wait for each answer.
QUICK = """
outbox:
  private: {count: 100, span_s: 1.0, burst: 100}
  group: {count: 100, span_s: 1.0, burst: 100}
phone: {live_private_s: 0.3, live_group_s: 0.3}
"""


def launch_bridge(here: Installation, api: FakeBotApi, **env: str | None) -> RunningProcess:
    """Start a bridge that talks with this Telegram."""
    environment: dict[str, str | None] = {
        "TELEGRAM_BASE_URL": api.base_url,
        "TELEGRAM_BOT_TOKEN": api.token,
        "TELEGRAM_CHAT_ID": str(TRADER),
    }
    script, options = ROOT / "run_telegram.sh", ("--config", here.bridge_file)
    return here.processes.start(script, *options, env=environment | env)


def start_bridge(here: Installation, api: FakeBotApi, **env: str | None) -> RunningProcess:
    """Start a bridge that talks with this Telegram, and wait until it is ready."""
    bridge = launch_bridge(here, api, **env)
    bridge.wait_for(r"^ready$", stream="stderr")
    return bridge


def wait_for_prices(phone: Phone) -> None:
    """Wait until the bridge knows the markets of its bots, as the live status shows."""
    phone.wait_for(r"^\s*BTC/USDT +[\d,.]+ ", timeout_s=PATIENCE_S)


def table_lines(message: Message) -> list[str]:
    """Return the lines of a message that are shown in letters of one width."""
    text = message.text.encode("utf-16-le")
    tables = [one for one in message.entities if one["type"] == "pre"]
    spans = [(int(str(one["offset"])), int(str(one["length"]))) for one in tables]
    shown = [text[2 * start : 2 * (start + length)].decode("utf-16-le") for start, length in spans]
    return [line for table in shown for line in table.splitlines()]
