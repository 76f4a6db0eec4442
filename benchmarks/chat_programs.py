"""The programs of benchmarks.chat: bridge and bot, or a plain bot of the library, and a phone.

Each talks with a simulated Bot API of its own in the process that measures. Times are those of
the monotonic clock, which is one for all processes of a machine.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import orjson

from benchmarks.chat_tap import FILE_VARIABLE
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.recorder import Record
from tests.fakes.bot_api.server import TOKEN, FakeBotApi

ROOT: Final = Path(__file__).resolve().parent.parent
TRADER: Final = 42
BOT_ID: Final = int(TOKEN.partition(":")[0])
# Pacing keeps the real Telegram from refusing; here it would be all that is measured.
BRIDGE_YAML: Final = """\
outbox:
  private: {count: 100000, span_s: 1, burst: 100000}
  overall: {count: 100000, span_s: 1, burst: 100000}
"""
BRIDGE: Final = "from benchmarks.chat_tap import run; run()"
TRADING: Final = "from trading.main import main; main()"
PLAIN_BOT: Final = """\
import json, sys, time
from telegram.ext import Application, CommandHandler

began_s = {}

async def ping(update, context):
    began_s[update.update_id] = time.monotonic()
    await update.message.reply_text("[applied] /ping: pong; 1 bot connected")

bot = Application.builder().token(sys.argv[1]).base_url(sys.argv[2]).build()
bot.add_handler(CommandHandler("ping", ping))
bot.run_polling()
print(json.dumps(began_s))
"""
_PATIENCE_S: Final = 20.0
# How much of a program's log is shown when it does not answer.
_LINES_TOLD: Final = 20
# A person writes when all is quiet again; a fixed rest would fall into step with timers.
_REST_S: Final = (0.11, 0.16)

Hops = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold one command and when it could be read, and when its outcome was with the Bot API."""

    verb: str
    update_id: int
    message_id: int
    available_s: float
    answered_s: float
    sends_before: int


class Person:
    """Write commands and wait for their outcomes."""

    def __init__(self, api: FakeBotApi, rng: Random) -> None:
        self._api = api
        self._rng = rng
        self._phone: Phone = api.phone(api.person("Ann", TRADER), has_met_bot=True)

    def ask(self, line: str) -> Asked:
        """Write a command once the bot listens and rests, and wait for its outcome."""
        api = self._api
        api.wait_for_poll(_PATIENCE_S)
        time.sleep(self._rng.uniform(*_REST_S))
        records, before = api.recorder.records, api.recorder.count
        message = self._phone.say(line)
        update = api.world.updates.history[-1]

        def outcome() -> Record | None:
            # From the end: there are thousands.
            for record in reversed(records):
                if record.number <= before:
                    return None
                if record.method == "sendMessage" and _is_outcome(record, line):
                    return record
            return None

        found = api.wait(outcome, f"an outcome of {line}\n{self._phone.describe()}", _PATIENCE_S)
        assert found is not None
        sends = sum(one.method == "sendMessage" for one in records if one.number < found.number)
        return Asked(
            line.split(maxsplit=1)[0],
            update.update_id,
            message.message_id,
            update.added_s,
            found.began_s,
            sends,
        )

    def ask_until(self, line: str, text: str) -> None:
        """Repeat a command until its outcome says something."""
        deadline = time.monotonic() + _PATIENCE_S
        while text not in self._phone.last.text if self._phone.bot_messages else True:
            assert time.monotonic() < deadline, f"no {text!r}\n{self._phone.describe()}"
            self.ask(line)


def _is_outcome(record: Record, line: str) -> bool:
    text = str(record.parameters.get("text", ""))
    return "[applied]" in text and line in text


@contextmanager
def _program(arguments: list[str], environment: Mapping[str, str], output: Path) -> Iterator[None]:
    """Run Python until the end of the block, then have it end by itself."""
    # In another folder the library is the one that everybody has, without ours grafted on.
    cwd = ROOT if environment else output.parent
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", *arguments],
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream if environment else subprocess.DEVNULL,
        )
    try:
        yield
    except AssertionError as error:
        last = output.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES_TOLD:]
        error.add_note("\n".join([f"exit code {process.poll()}; {output.name}:", *last]))
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def run_plain(folder: Path, count: int, rng: Random) -> list[Hops]:
    """Ask a plain bot of the library; return the hops of each command."""
    output = folder / "plain.json"
    with FakeBotApi() as api:
        person = Person(api, rng)
        with _program([PLAIN_BOT, api.token, api.base_url], {}, output):
            for _ in range(max(5, count // 10)):
                person.ask("/ping")
            asked = [person.ask("/ping") for _ in range(count)]
    began_s = {int(key): at for key, at in orjson.loads(output.read_bytes()).items()}
    return [
        {
            "poll exchange": (began_s[one.update_id] - one.available_s) * 1e3,
            "send exchange": (one.answered_s - began_s[one.update_id]) * 1e3,
            "whole": (one.answered_s - one.available_s) * 1e3,
        }
        for one in asked
    ]


def run_ours(
    folder: Path, lines: tuple[str, ...], count: int, rng: Random
) -> dict[str, list[Hops]]:
    """Ask bridge and bot each line so often, in turn; return the hops of each, by verb."""
    folder.mkdir()
    tap_file, config = folder / "tap.json", folder / "telegram.yaml"
    config.write_text(BRIDGE_YAML, encoding="utf-8")
    with FakeBotApi() as api:
        environment = {
            "VAR_DIR": str(folder / "var"),
            "LINK_PORT": "0",
            "TELEGRAM_BASE_URL": api.base_url,
            "TELEGRAM_BOT_TOKEN": api.token,
            "TELEGRAM_CHAT_ID": str(TRADER),
            FILE_VARIABLE: str(tap_file),
        }
        person = Person(api, rng)
        with (
            _program([BRIDGE, "--config", str(config)], environment, folder / "bridge.log"),
            _program([TRADING, "bots/paper"], environment, folder / "trading.log"),
        ):
            person.ask_until("/ping", "1 bot connected")
            for line in lines * max(2, count // 20):
                person.ask(line)
            asked = [person.ask(line) for _ in range(count) for line in lines]
        sends = len(api.requests("sendMessage"))
    stamps = _read_stamps(folder / "var", tap_file)
    assert len(stamps.sending_s) == sends, "a message was sent twice or not at all"
    hops: dict[str, list[Hops]] = {}
    for one in asked:
        hops.setdefault(one.verb, []).append(stamps.hops_of(one))
    return hops


@dataclass(frozen=True, slots=True)
class Stamps:
    """Hold what the tap and the rows of both databases say of the times."""

    read_s: Mapping[int, float]
    sending_s: list[float]
    heard_s: Mapping[int, float]
    commands_s: Mapping[str, tuple[float, float]]
    engine_s: Mapping[str, float]

    def hops_of(self, one: Asked) -> Hops:
        """Return the milliseconds of each hop of one command."""
        read, heard = self.read_s[one.update_id], self.heard_s[one.update_id]
        sending = self.sending_s[one.sends_before]
        marks = [
            ("poll exchange", one.available_s),
            ("read to decided", read),
            ("noted, answered", heard),
        ]
        command_id = f"tg:{BOT_ID}:{TRADER}:{one.message_id}"
        if command_id in self.commands_s:
            issued, finished = self.commands_s[command_id]
            marks[2:] = [
                ("understood", heard),
                ("noted, to the engine", issued),
                ("done, answered", self.engine_s[command_id]),
                ("outcome to sending", finished),
            ]
        marks.append(("send exchange", sending))
        ends = [at for _, at in marks[1:]] + [one.answered_s]
        hops = {name: (end - at) * 1e3 for (name, at), end in zip(marks, ends, strict=True)}
        return hops | {
            "ours": (sending - read) * 1e3,
            "whole": (one.answered_s - one.available_s) * 1e3,
        }


def _read_stamps(var_dir: Path, tap_file: Path) -> Stamps:
    # The rows have the time of day; nobody sets the clock during a sitting.
    ahead_s = time.time() - time.monotonic()
    tap = orjson.loads(tap_file.read_bytes())
    bridge_db, state_db = var_dir / "telegram" / "bridge.db", var_dir / "paper" / "state.db"
    heard = _rows(bridge_db, "SELECT update_id, received_at FROM inbound")
    commands = _rows(bridge_db, "SELECT id, issued_at, finished_at FROM command")
    engine = _rows(state_db, "SELECT command_id, at FROM outcome")
    return Stamps(
        read_s={int(update_id): at for update_id, at in tap["read_s"].items()},
        sending_s=tap["sending_s"],
        heard_s={update_id: at - ahead_s for update_id, at in heard},
        commands_s={one: (issued - ahead_s, end - ahead_s) for one, issued, end in commands},
        engine_s={command_id: at - ahead_s for command_id, at in engine},
    )


def _rows(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()
