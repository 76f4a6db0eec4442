"""The command line of run_telegram.sh."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from daemonkit.version import VERSION

_DESCRIPTION = """\
Serve the link to all trading bots, and a chat to command them.

Without --console the chat is Telegram (TELEGRAM_BOT_TOKEN; docs/telegram.md leads you there).
With it the chat is this terminal: standard output is the chat and nothing else, a line with / is
a command, /help lists them.
"""
_EPILOG = """\
other forms:
  setup                the first time with Telegram: ask for the bot's token, find you and
                       your groups with one-time codes, send a test message to each, and
                       write telegram.yaml; who is in it already stays
  backup FILE          copy bridge.db into FILE, also while the bridge runs
  restore FILE         put the copy FILE in the place of bridge.db
"""
ACTIONS = ("setup", "backup", "restore")


class UsageError(Exception):
    """The command line is wrong; the text says how."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (--help shows the options)")


@dataclass(frozen=True, slots=True)
class Options:
    """Hold what the command line asks for; `action` is empty for running the bridge."""

    action: str = ""
    file: Path | None = None
    console: bool = False
    json: bool = False
    config: Path | None = None
    wait_for_bot_s: float = 0.0


def parse_options(arguments: Sequence[str]) -> Options:
    """Read the command line, or raise UsageError."""
    found = _build_parser().parse_args(list(arguments))
    # Only now: a misspelt option is named before what stands behind it.
    if found.action not in ("", *ACTIONS):
        raise UsageError(f"found {found.action!r}, allowed options or {', '.join(ACTIONS)}")
    if found.action in ("backup", "restore") and found.file is None:
        raise UsageError(f"{found.action} needs the name of a file")
    if found.action in ("", "setup") and found.file is not None:
        raise UsageError(f"unrecognized argument: {found.file}")
    return Options(
        action=found.action,
        file=found.file,
        console=found.console or found.json,
        json=found.json,
        config=None if found.config is None else found.config.absolute(),
        wait_for_bot_s=found.wait_for_bot,
    )


def _build_parser() -> _Parser:
    parser = _Parser(
        prog="run_telegram.sh",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("action", nargs="?", default="", help=argparse.SUPPRESS)
    parser.add_argument("file", nargs="?", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--console", action="store_true", help="chat on this terminal")
    parser.add_argument(
        "--json", action="store_true", help="the same, as one JSON object per message or edit"
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="instead of telegram.yaml")
    parser.add_argument(
        "--wait-for-bot",
        metavar="SECONDS",
        type=_seconds,
        default=0.0,
        help="read input once a bot is connected; without one in time, exit 1",
    )
    parser.add_argument("--version", action="version", version=f"tradebridge {VERSION}")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed 0 to 86400")
    return seconds
