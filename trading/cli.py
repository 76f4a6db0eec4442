"""The command line: `python -m trading run|check|backup|restore [BOT_DIR]`.

With --json exactly one line goes to standard output, and nothing when something is wrong.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final, NoReturn

import orjson

from daemonkit.clock import SystemClock
from daemonkit.endpoint import load_endpoint
from daemonkit.errors import ExitCode
from daemonkit.exits import run_main
from daemonkit.folder_lock import FolderLock
from daemonkit.log_lines import timestamp_text
from daemonkit.version import VERSION
from trading.app import TradingApp, owner_of
from trading.config import DEFAULT_BOT_DIR, BotConfig, load_config
from trading.control import Control
from trading.market.build import build_feed
from trading.parts import RunOptions
from trading.store.copies import backup_state, check_state, restore_state

ALERTS_MAX: Final = 10_000_000


def run_command(arguments: Sequence[str], control: Control) -> int:
    """Carry out one command line and return the exit code."""
    options = build_parser().parse_args(arguments)
    action: Callable[[argparse.Namespace, Control], int] = options.action
    return run_main(lambda: action(options, control))


class _Parser(argparse.ArgumentParser):
    """End wrong use as every other mistake ends: with a last line `error: …`."""

    def error(self, message: str) -> NoReturn:
        """Say how it is used and what was wrong, and exit with 2."""
        self.print_usage(sys.stderr)
        self.exit(ExitCode.USAGE, f"error: {message}\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(prog="python -m trading", description="One trading bot.")
    parser.add_argument("--version", action="version", version=f"tradebridge {VERSION}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    run = _add(commands, "run", run_bot, "run the bot until it is asked to stop")
    run.add_argument("--alerts", type=_alerts, default=0, metavar="N", help=_ALERTS_HELP)
    run.add_argument(
        "--interval", type=_seconds, default=1.0, metavar="S", help="seconds between two alerts"
    )
    check = _add(commands, "check", check_bot, "check the configuration and the database")
    backup = _add(commands, "backup", backup_bot, "copy the database, also while the bot runs")
    backup.add_argument("--to", type=Path, metavar="FILE", help="a new file for the copy")
    restore = _add(commands, "restore", restore_bot, "put a copy in the database's place")
    restore.add_argument("--from", type=Path, required=True, metavar="FILE", dest="source")
    for command in (check, backup, restore):
        command.add_argument("--json", action="store_true", help="print one line of JSON")
    return parser


_ALERTS_HELP: Final = "raise N numbered events, to prove that each arrives exactly once"


def run_bot(options: argparse.Namespace, control: Control) -> int:
    """Run a bot."""
    app = TradingApp(
        options.bot_dir,
        RunOptions(options.alerts, options.interval),
        environ=os.environ,
        clock=SystemClock(),
        rng=Random(),  # noqa: S311 - spreads reconnects, guards nothing
        control=control,
    )
    return app.run()


def check_bot(options: argparse.Namespace, _control: Control) -> int:
    """Check everything that a start would refuse."""
    config = load_config(options.bot_dir, os.environ)
    feed = build_feed(config.settings.feed, clock=SystemClock(), base_dir=config.bot_dir)
    schema = None
    if config.database.exists():
        schema = check_state(config.database, owner_of(config), restore_hint=config.restore_hint)
    endpoint = load_endpoint(
        config.settings.link,
        environ=os.environ,
        var_dir=config.var_dir,
        config_file=config.file,
    )
    result = {
        "bot": config.bot,
        "exchange": config.settings.exchange,
        "mode": config.mode,
        "trading": config.settings.trading.state,
        "feed": feed.description,
        "symbols": list(feed.symbols),
        "link": f"{endpoint.host}:{endpoint.port}",
        "database": str(config.database) if schema else None,
        "schema": schema,
    }
    _print(options, result, f"{config.file}: in order ({config.mode}, {feed.description})")
    return ExitCode.OK


def backup_bot(options: argparse.Namespace, _control: Control) -> int:
    """Copy a bot's database."""
    config = load_config(options.bot_dir, os.environ)
    target = options.to.absolute() if options.to else _backup_name(config)
    backup_state(config.database, target)
    size = target.stat().st_size
    _print(options, {"backup": str(target), "bytes": size}, f"{target}: {size} bytes")
    return ExitCode.OK


def restore_bot(options: argparse.Namespace, _control: Control) -> int:
    """Put a copy in the place of a bot's database; the bot must not run."""
    config = load_config(options.bot_dir, os.environ)
    with FolderLock(config.folder / "bot.pid"):
        kept = restore_state(
            options.source.absolute(), config.database, owner_of(config), SystemClock()
        )
    result = {"restored": str(config.database), "kept": str(kept) if kept else None}
    before = f", the one before is kept as {kept.name}" if kept else ""
    _print(options, result, f"{config.database}: restored{before}")
    return ExitCode.OK


def _add(
    commands: Any, name: str, action: Callable[..., int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(action=action)
    parser.add_argument(
        "bot_dir",
        nargs="?",
        type=Path,
        default=DEFAULT_BOT_DIR,
        metavar="BOT_DIR",
        help=f"the folder with the bot's config.yaml (default {DEFAULT_BOT_DIR})",
    )
    return parser


def _alerts(text: str) -> int:
    if not text.isdecimal() or int(text) > ALERTS_MAX:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed 0 to {ALERTS_MAX}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed 0 to 86400 seconds")
    return seconds


def _backup_name(config: BotConfig) -> Path:
    stamp = timestamp_text(SystemClock().wall()).replace(":", "").replace("-", "")
    return config.folder / f"state-{stamp}.backup.db"


def _print(options: argparse.Namespace, result: dict[str, Any], text: str) -> None:
    sys.stdout.write((orjson.dumps(result).decode() if options.json else text) + "\n")
