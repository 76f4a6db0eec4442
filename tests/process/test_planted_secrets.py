"""Planted secrets appear nowhere, at DEBUG, in any byte that either program leaves behind.

The link secret and a chat token lie where they belong; token-shaped texts come in by every door:
configuration, environment, commands, log lines, events, statuses, answers, greetings.
"""

import signal
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import quote

from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.fakes.bot_api.faults import Rule
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, ask, last_error
from tests.process.phone_desk import start_bridge
from tests.process.scripted_bridge import ScriptedBridge
from tests.processes import RunningProcess
from tests.tcpproto_tests.raw_peer import RawPeer
from tests.waiting import wait_until

LINK_SECRET = "9f1c72e0b45d83a6c8e1d07f52b39a64e7150c8db2f4a6937d0e518c4b7f2a96"
TOKEN = "987654321:AAECanaryTokenOfTheEnvironment_12-34"
OTHERS = "123456789:AAHCanaryTokenOfSomebodyElse_56-78"
SETTINGS = "log_level: DEBUG\n"
QUICK_POLLS = (
    "telegram: {polling: {retry_min_s: 0.02, retry_max_s: 0.1, token_check_s: 0.1, "
    "conflict_retry_s: 0.1, conflict_clear_s: 0.5}}\n"
    "outbox: {retry_first_s: 0.05, retry_max_s: 0.1, "
    "private: {count: 100, span_s: 1, burst: 100}}\n"
)


def written(here: Installation, processes: list[RunningProcess]) -> dict[str, bytes]:
    """Return all that was written: streams, command lines, and every file below VAR_DIR."""
    found = {str(path): path.read_bytes() for path in here.var_dir.rglob("*") if path.is_file()}
    for number, process in enumerate(processes):
        found[f"stdout {number}"] = process.stdout_path.read_bytes()
        found[f"stderr {number}"] = process.stderr_path.read_bytes()
    return found


def check_nowhere(texts: dict[str, bytes], *secrets: str) -> None:
    for secret in secrets:
        # What is left when a text is cut, too, but for its first and last few characters.
        ways = {quote(secret), *(secret[start : start + 16] for start in range(0, len(secret), 8))}
        ways = {way for way in ways if len(way) >= 12}
        for place, data in texts.items():
            for way in ways:
                assert way.encode() not in data, (place, way, around(data, way.encode()))


def around(data: bytes, way: bytes) -> bytes:
    at = data.index(way)
    return data[max(0, at - 200) : at + 200]


def test_no_secret_appears_in_anything_that_is_written(here: Installation, tmp_path: Path) -> None:
    secret_file = tmp_path / "the.secret"
    secret_file.write_text(f"{LINK_SECRET}\n")
    secret_file.chmod(0o600)
    env = {"LINK_SECRET_FILE": str(secret_file), "TELEGRAM_BOT_TOKEN": TOKEN}
    here.configure_bot(f"{SETTINGS}logs: {{forward_level: DEBUG}}\n")
    here.configure_bridge(SETTINGS)
    bridge = here.start_bridge(**env)
    trading = here.start_trading("--alerts", "5", "--interval", "0.01", **env)
    here.wait_for_alerts(5, 5)
    commands = [Path(f"/proc/{one.pid}/cmdline").read_bytes() for one in (bridge, trading)]
    for line in (
        f"/buy {OTHERS}",
        f"/getstatus {LINK_SECRET}",
        f"/{OTHERS}",
        f"/logs 5 debug {OTHERS}",
        f"/use {TOKEN}",
        f"/help {LINK_SECRET}",
    ):
        ask(bridge, line)
    bridge.write(f"{TOKEN}\n{LINK_SECRET} in plain words\n")
    _wrong_reloads(here, bridge, trading)
    with ExitStack() as stack:
        bot = ScriptedBot(here.port, "other", secret=LINK_SECRET)
        stack.callback(bot.stop)
        bot.wait_connected()
        _tell(bot, bridge)
    with RawPeer(here.port) as peer:
        peer.greet(OTHERS, nonce="n", software=LINK_SECRET)
        peer.wait_end()
    strange = ScriptedBot(here.port, "strange", secret="another secret altogether")
    bridge.wait_for("refused strange from")
    strange.stop()
    assert trading.stop() == 0
    bridge.close_stdin()
    assert bridge.wait() == 0
    texts = written(here, [bridge, trading])
    texts |= {f"command line {number}": data for number, data in enumerate(commands)}
    check_nowhere(texts, LINK_SECRET, TOKEN, OTHERS)


def _wrong_reloads(here: Installation, bridge: RunningProcess, trading: RunningProcess) -> None:
    here.bridge_file.write_text(f"log_level: '{OTHERS}'\n")
    here.bot_file.write_text(f"exchange: paper\nfeed: {{kind: replay, file: '{OTHERS}', x: 1}}\n")
    for process in (bridge, trading):
        process.send_signal(signal.SIGHUP)
        process.wait_for("refused, the old one stays")


def _tell(bot: ScriptedBot, bridge: RunningProcess) -> None:
    """Say secrets in every way that a bot has."""
    assert ask(bridge, "/follow debug").startswith("[applied]")
    for secret in (OTHERS, TOKEN, LINK_SECRET):
        bot.show({"mode": "PAPER", "outbox_rows": 0, "note": secret}, f"status of {secret}")
        bot.text(f"text of {secret}")
        bot.log(f"line of {secret}", logger=f"logger.{secret}")
        bot.log("url https://api.telegram.org/bot" + secret + "/getMe")
        bot.raise_event(f"event of {secret}")
    bridge.write("/getstatus @other\n")
    wait_until(lambda: bot.commands, PATIENCE_S, "the command")
    bot.reply(0, "applied", f"answer of {LINK_SECRET}\nand {OTHERS}")
    wait_until(lambda: bot.acknowledged == 3, PATIENCE_S, "the events are stored")
    bridge.wait_for("event of", stream="stdout")
    bridge.wait_for("text of", stream="stdout")
    bridge.wait_for("logger", stream="stdout")
    assert ask(bridge, "/bots").startswith("[applied]")


def test_no_token_appears_whatever_telegram_answers(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge(f"{SETTINGS}{QUICK_POLLS}phone: {{live: false}}\n")
    api.expect_refusal(".")
    bridge = start_bridge(here, api)
    api.wait_for_poll()
    for harm in harms(api):
        met = harm(method="getUpdates")
        api.end_connections()
        api.wait(partial(is_met, met), f"{met.name} of a poll", PATIENCE_S)
    ann.ask("/ping", r"^\[applied\] /ping", PATIENCE_S)
    for harm in harms(api):
        met = harm(method="sendMessage")
        ann.say(f"/help {api.token}")
        api.wait(partial(is_met, met), f"{met.name} of a message", PATIENCE_S)
    ann.ask("/health", r"^\[applied\] /health", PATIENCE_S)
    command = Path(f"/proc/{bridge.pid}/cmdline").read_bytes()
    assert bridge.stop() == 0
    lost = start_bridge(here, api, TELEGRAM_BASE_URL="http://127.0.0.1:1/bot")
    lost.wait_for("Telegram: away")
    assert lost.stop() == 0
    texts = written(here, [bridge, lost]) | {"command line": command}
    assert any(b" DEBUG " in data for data in texts.values())
    check_nowhere(texts, api.token)


def is_met(rule: Rule) -> bool:
    """Tell whether a request has met it."""
    return bool(rule.met)


def harms(api: FakeBotApi) -> list[Callable[..., Rule]]:
    """Return all that Telegram may answer, once each, with the token in it where that can be."""
    faults = api.faults
    return [
        *(faults.unauthorized, faults.not_found, faults.captive_portal, faults.bad_gateway),
        *(faults.server_error, faults.conflict, faults.truncate),
        partial(faults.odd_json, {"ok": False, "description": f"no {api.token}"}),
        partial(faults.odd_json, None),
        partial(faults.drop, acts=False),
    ]


def test_no_secret_appears_when_a_program_refuses_to_start(here: Installation) -> None:
    processes = []
    for env in (
        {"LINK_PORT": OTHERS},
        {"LINK_SECRET_FILE": OTHERS},
        {"TELEGRAM_CHAT_ID": OTHERS, "TELEGRAM_BOT_TOKEN": TOKEN},
    ):
        bridge = here.bridge_command(**env)
        processes.append(bridge)
        assert bridge.returncode == 78
    for text in (f"log_level: '{OTHERS}'\n", f"'{OTHERS}': 1\n", f"link: {{host: '{OTHERS}'}}\n"):
        here.bot_file.write_text(text)
        trading = here.launch_trading()
        processes.append(trading)
        assert trading.wait() == 78
        assert last_error(trading)
    check_nowhere(written(here, processes), TOKEN, OTHERS)


def test_no_secret_of_a_bridge_that_misbehaves_appears_at_a_bot(here: Installation) -> None:
    here.configure_bot(SETTINGS)
    with ScriptedBridge() as bridge:
        trading = here.start_trading(**bridge.environment, TELEGRAM_BOT_TOKEN=TOKEN)
        bridge.wait_connected()
        for args in (("buy", OTHERS), ("mode", OTHERS, "no such mode"), ("flatten", OTHERS)):
            assert OTHERS[:20] not in bridge.ask(bridge.command(*args)).text
        bridge.remark(f"a remark of {OTHERS}")
        trading.wait_for("the bridge says")
        bridge.server.stop(f"because of {OTHERS}", 2.0)
        trading.wait_for("because of")
        assert trading.stop() == 0
    check_nowhere(written(here, [trading]), TOKEN, OTHERS)
