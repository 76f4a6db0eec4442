"""A day with planted secrets and a phone, at DEBUG: no byte of it shows any of them.

Life, a token that is taken away, mistakes in the configuration, a setup and a crash: both
programs, their children, all that they write, and all that the chat is shown. What Telegram may
answer to each call stands in test_planted_secrets.py.
"""

import signal

import psutil
import pytest

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, last_error
from tests.process.phone_desk import launch_bridge, start_bridge
from tests.process.test_planted_secrets import LINK_SECRET, OTHERS, check_nowhere, written
from tests.processes import ROOT, RunningProcess
from tests.waiting import wait_until

PASSWORD = "Canary-Password-Of-The-Proxy"
DEBUG = "log_level: DEBUG\n"
PHONE = """
log_level: DEBUG
telegram: {polling: {retry_min_s: 0.05, retry_max_s: 0.2, token_check_s: 0.2}}
outbox:
  private: {count: 100, span_s: 1.0, burst: 100}
"""
# A fault of ours that names every secret there is: the traceback goes wherever tracebacks go.
CRASH = """
import os, signal, threading

def fail(*_):
    def raise_in_a_thread():
        raise RuntimeError("thread: " + os.environ["CANARY"])
    thread = threading.Thread(target=raise_in_a_thread)
    thread.start()
    thread.join()
    raise RuntimeError("main: " + os.environ["CANARY"])

signal.signal(signal.SIGUSR1, fail)
"""


def plant(here: Installation, token: str) -> dict[str, str]:
    """Put a link secret where it belongs, and a fault on a signal; return what a start needs."""
    secret = here.folder / "the.secret"
    secret.write_text(f"{LINK_SECRET}\n")
    secret.chmod(0o600)
    faults = here.folder / "faults"
    faults.mkdir()
    (faults / "sitecustomize.py").write_text(CRASH)
    return {
        "LINK_SECRET_FILE": str(secret),
        "PYTHONPATH": str(faults),
        "CANARY": f"{token} and {LINK_SECRET} at http://x/bot{token}/getMe",
    }


def command_lines(here: Installation) -> dict[str, bytes]:
    """Return what `ps` shows of each program and its children."""
    return {
        f"command line of {one.pid}": "\0".join(one.cmdline()).encode()
        for one in here.processes.alive()
    }


def workers_of(pid: int) -> list[psutil.Process]:
    """Return the children that run a program of their own: until then one is its parent's copy."""
    parent = psutil.Process(pid)
    return [one for one in parent.children() if one.cmdline() not in ([], parent.cmdline())]


def shown(phone: Phone) -> dict[str, bytes]:
    """Return all that the chat has, documents included."""
    files = [one.content.document for one in phone.bot_messages]
    return {
        "chat": "\n".join(phone.texts).encode(),
        **{f"document {one.name}": one.content for one in files if one is not None},
    }


def test_no_secret_appears_in_a_day_of_life_of_both_programs(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    token = api.token
    env = plant(here, token)
    here.configure_bot(f"{DEBUG}logs: {{forward_level: DEBUG}}\n")
    here.configure_bridge(PHONE)
    bridge = start_bridge(here, api, **env)
    trading = here.start_trading(**env)
    ann.wait_for("started")
    ann.ask("/follow debug", r"^\[applied\] /follow debug")
    ann.ask("/starttrading", r"^\[applied\] /starttrading")
    ann.ask("/buy BTC/USDT 0.01", "are you sure")
    ann.press("Yes")
    ann.wait_for("BOUGHT BTC/USDT")
    ann.ask("/chart BTC/USDT 1m", r"^\[applied\] /chart")
    texts = command_lines(here)
    # It starts with the first picture, which comes after the outcome.
    (worker,) = wait_until(lambda: workers_of(bridge.pid), PATIENCE_S, "the picture worker")
    texts["environment of the picture worker"] = repr(worker.environ()).encode()
    for secret in (OTHERS, LINK_SECRET, token):
        for line in (f"/buy {secret}", f"/logs 50 {secret}", f"/{secret}", f"look: {secret}"):
            ann.say(line)
        ann.ask(f"/help {secret}", r"^\[rejected\] /help ")
    ann.ask("/logs 500 debug", r"^\[applied\] /logs")
    api.revoke_token("7001234567:AAAnotherTokenForTestsOnly-Never_Real01")
    api.end_connections()
    bridge.wait_for("token refused")
    api.revoke_token(token)
    with api.is_down():
        bridge.wait_for("Telegram: away")
    ann.ask("/ping", r"^\[applied\] /ping", PATIENCE_S)
    for process in (bridge, trading):
        process.send_signal(signal.SIGUSR1)
        assert process.wait() == 1
        assert "Traceback" in process.stderr
        assert last_error(process).startswith("error: RuntimeError: main: ")
    texts |= written(here, [bridge, trading]) | shown(ann)
    assert any(b" DEBUG " in data for data in texts.values())
    check_nowhere(texts, token, LINK_SECRET, OTHERS)


WRONG_FILES = [
    f"token: {OTHERS}\n",
    f"telegram: {{token: {OTHERS}}}\n",
    f"telegram: {{users: {{'{OTHERS}': admin}}}}\n",
    f"telegram: {{users: {{42: '{OTHERS}'}}}}\n",
    f"telegram: {{chats: [{{id: '{OTHERS}'}}]}}\n",
    f"telegram: {{proxy: 'ftp://me:{PASSWORD}@127.0.0.1'}}\n",
    f"telegram: [{OTHERS}\n",
    f"{OTHERS}\n",
]


@pytest.mark.long
def test_no_secret_appears_for_being_in_the_wrong_place(
    here: Installation, api: FakeBotApi
) -> None:
    processes: list[RunningProcess] = []
    for number, text in enumerate(WRONG_FILES):
        here.bridge_file = here.folder / f"wrong-{number}.yaml"
        here.configure_bridge(f"{DEBUG}{text}")
        processes.append(launch_bridge(here, api))
    here.bridge_file = here.folder / "telegram.yaml"
    processes += [
        launch_bridge(here, api, TELEGRAM_BASE_URL=f"https://me:{PASSWORD}@x/{OTHERS}"),
        launch_bridge(here, api, TELEGRAM_PROXY=f"me:{PASSWORD}@127.0.0.1:3128"),
    ]
    for process in processes:
        assert process.wait(PATIENCE_S) == 78, process.describe()
        assert last_error(process).startswith("error: ")
    check_nowhere(written(here, processes), OTHERS, PASSWORD, api.token)


@pytest.mark.long
def test_no_secret_appears_in_a_setup_and_the_bridge_of_a_proxy_that_is_not_there(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    api.expect_refusal("unauthorized")
    here.configure_bridge(f"{DEBUG}telegram: {{users: {{42: admin}}}}\n")
    setup = (ROOT / "run_telegram.sh", "setup", "--config", here.bridge_file)
    env = {"TELEGRAM_BASE_URL": api.base_url}
    refused = here.processes.run(*setup, env=env, stdin=f"{OTHERS}\n")
    assert refused.returncode == 78
    proxy = {"TELEGRAM_PROXY": f"http://me:{PASSWORD}@127.0.0.1:9"}
    cut_off = here.processes.run(*setup, env=env | proxy, stdin=f"{api.token}\n")
    assert cut_off.returncode == 1
    bridge = start_bridge(here, api, **proxy)
    bridge.wait_for("Telegram: away")
    assert bridge.stop() == 0
    check_nowhere(written(here, [refused, cut_off, bridge]), OTHERS, PASSWORD, api.token)
