"""The command line: `python -m trading COMMAND [BOT_DIR]`; `--help` names the commands.

With --json exactly one line goes to standard output, and nothing when something is wrong.
"""

import argparse
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from math import inf, isfinite
from pathlib import Path
from random import Random
from typing import Any, Final, NoReturn

import orjson

from daemonkit.clock import SystemClock
from daemonkit.endpoint import load_endpoint
from daemonkit.errors import DaemonError, ExitCode
from daemonkit.exits import run_main
from daemonkit.folder_lock import FolderLock
from daemonkit.log_lines import timestamp_text
from daemonkit.version import VERSION
from trading.app import TradingApp, owner_of
from trading.cli_download import add_download_arguments, download_candles
from trading.config import DEFAULT_BOT_DIR, BotConfig, load_config
from trading.confirm import check_live_accounts, confirm_accounts
from trading.control import Control
from trading.currency_kept import check_currency_stays
from trading.engine.quarantine import quarantine_of
from trading.feed_of import feed_of
from trading.instances_of import LoadedInstance, fingerprint_of, load_instances
from trading.ledger.files import set_files_aside
from trading.ledger.report import MARKET_TIME_KEY, Report, ReportRange
from trading.ledger.trade_csv import write_trades_csv
from trading.live_accounts import build_venues
from trading.model.order_states import OPEN
from trading.parts import RunOptions
from trading.saved_values import check_saved_values
from trading.setup_of import check_nothing_is_left_out
from trading.store.copies import backup_state, check_state, restore_state
from trading.store.history import History, check_readable, open_history
from trading.store.reset import count_trading, forget_trading
from trading.store.schema import HEAD

ALERTS_MAX: Final = 10_000_000
LISTED_MAX: Final = 10_000


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
    report = _add(commands, "report", report_bot, "show statistics, positions and trades")
    report.add_argument("--csv", type=Path, metavar="FILE", help="write the trades there as CSV")
    report.add_argument(
        "--days", type=_days, metavar="N", help="only trades closed in the last N days"
    )
    report.add_argument(
        "--trades", type=_listed, default=10, metavar="N", help="list the last N trades (10)"
    )
    reset = _add(commands, "reset", reset_bot, "forget what a stopped bot traded on paper")
    reset.add_argument("--yes", action="store_true", help="do it; else only say what would go")
    confirm = _add(commands, "confirm", confirm_bot, "let an account trade real money")
    confirm.add_argument("--account", metavar="NAME", help="only this one of the live accounts")
    confirm.add_argument("--yes", action="store_true", help="confirm without being asked")
    download = _add(commands, "download", download_candles, "get history from an exchange")
    add_download_arguments(download)
    for command in (check, confirm, backup, restore, report, reset, download):
        command.add_argument("--json", action="store_true", help="print one line of JSON")
    return parser


class NotConfirmedError(DaemonError):
    """Say what a command would do that was not confirmed."""

    exit_code = ExitCode.USAGE


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
    instances = load_instances(config)
    rng = Random()  # noqa: S311 - spreads tries, guards nothing
    feed = feed_of(config, clock=SystemClock(), rng=rng)
    schema = _check_database(config)
    keys = check_live_accounts(config, owner_of(config), os.environ)
    build_venues(config, keys, clock=SystemClock())
    quarantined = _find_quarantined(config, instances) if schema == HEAD else []
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
        "instances": [one.spec.id for one in instances],
        "quarantined": quarantined,
        "link": f"{endpoint.host}:{endpoint.port}",
        "database": str(config.database) if schema else None,
        "schema": schema,
    }
    told = f"{config.file}: in order ({config.mode}, {feed.description})"
    if quarantined:
        told += f"; quarantined: {', '.join(quarantined)}"
    _print(options, result, told)
    return ExitCode.OK


def confirm_bot(options: argparse.Namespace, _control: Control) -> int:
    """Have a person confirm that accounts may trade real money; the bot must not run."""
    config = load_config(options.bot_dir, os.environ)
    load_instances(config)
    with FolderLock(config.folder / "bot.pid"):
        done = confirm_accounts(
            config,
            owner_of(config),
            os.environ,
            only=options.account,
            now=SystemClock().wall(),
            ask=None if options.yes else _ask_person,
        )
    lines = [
        f"account {one.account}: {'confirmed' if one.is_new else 'was confirmed before'} for "
        f"{one.exchange} with key {one.key}"
        for one in done
    ]
    _print(options, {"confirmed": [asdict(one) for one in done]}, "\n".join(lines))
    return ExitCode.OK


def _ask_person(question: str) -> str:
    # Standard output is for the result alone.
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline()


def _find_quarantined(config: BotConfig, instances: Sequence[LoadedInstance]) -> list[str]:
    """Return the instances that a start would leave out."""
    history = open_history(config.database, owner_of(config), restore_hint=config.restore_hint)
    with history as kept:
        return [
            one.spec.id
            for one in instances
            if quarantine_of(kept.values, one.spec.id, fingerprint_of(one))
        ]


def _check_database(config: BotConfig) -> str | None:
    """Check that what is kept can be read and fits; return its schema, or None without any."""
    database, owner, hint = config.database, owner_of(config), config.restore_hint
    if not database.exists():
        return None
    schema = check_state(database, owner, restore_hint=hint)
    # An older one is brought up to date by the start, and can only be read then.
    if schema >= HEAD:
        with open_history(database, owner, restore_hint=hint) as history:
            check_saved_values(history.values, database, restore_hint=hint)
            check_nothing_is_left_out(config, history.trading)
            check_currency_stays(config, history.values)
    return schema


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


def report_bot(options: argparse.Namespace, _control: Control) -> int:
    """Show what a bot has traded, also while it runs."""
    config = load_config(options.bot_dir, os.environ)
    database = config.database
    with open_history(database, owner_of(config), restore_hint=config.restore_hint) as history:
        report = Report(
            config.bot,
            config.mode,
            ReportRange(_report_time(history), options.days, options.trades),
            history.trading.positions,
            sum(order.state in OPEN for order in history.trading.orders),
        )
        trades = report.take(history.trading.read_trades(0))
        written = write_trades_csv(options.csv.absolute(), trades) if options.csv else None
        # Without a file to write the trades are only counted.
        deque(trades, maxlen=0)
    lines = [report.to_text()]
    if written is not None:
        lines += ["", f"{options.csv}: {written} trades written"]
    csv = {"csv": None if written is None else str(options.csv.absolute())}
    _print(options, report.to_fields() | csv, "\n".join(lines))
    return ExitCode.OK


def reset_bot(options: argparse.Namespace, _control: Control) -> int:
    """Forget what a bot traded on paper, after a backup; the bot must not run."""
    config = load_config(options.bot_dir, os.environ)
    database, owner, hint = config.database, owner_of(config), config.restore_hint
    check_readable(database, owner, restore_hint=hint)
    with FolderLock(config.folder / "bot.pid"):
        contents = count_trading(database, owner, restore_hint=hint)
        if not options.yes:
            raise NotConfirmedError(
                f"{database}: nothing is deleted yet: {contents} would be; say --yes to do it"
            )
        stamp = _stamp()
        backup = config.folder / f"state-{stamp}.before-reset.db"
        backup_state(database, backup)
        forget_trading(database, owner, restore_hint=hint)
        kept = set_files_aside(config.folder, stamp)
    result = {
        "reset": str(database),
        **contents.rows,
        "backup": str(backup),
        "trades_file": str(kept) if kept else None,
    }
    _print(options, result, f"{database}: {contents} deleted, kept in {backup.name}")
    return ExitCode.OK


def _report_time(history: History) -> float:
    """Return the market's time, which in a replay is not ours."""
    try:
        market_time = float(history.values[MARKET_TIME_KEY])
    except (KeyError, ValueError):
        market_time = inf
    return market_time if isfinite(market_time) else SystemClock().wall()


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


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= 36_600:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed more than 0, to 36600 days")
    return days


def _listed(text: str) -> int:
    if not text.isdecimal() or int(text) > LISTED_MAX:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed 0 to {LISTED_MAX}")
    return int(text)


def _stamp() -> str:
    return timestamp_text(SystemClock().wall()).replace(":", "").replace("-", "")


def _backup_name(config: BotConfig) -> Path:
    return config.folder / f"state-{_stamp()}.backup.db"


def _print(options: argparse.Namespace, result: dict[str, Any], text: str) -> None:
    sys.stdout.write((orjson.dumps(result).decode() if options.json else text) + "\n")
