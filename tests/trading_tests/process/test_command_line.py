"""`python -m trading check|report|backup|restore|reset`: one line of JSON, or none and a reason."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.trading_tests.makers import make_event
from tests.trading_tests.process.bot import Bot, json_of, last_error
from tests.trading_tests.store.rig import store_rig
from tests.trading_tests.store.trading_values import POSITION, make_order, make_trade
from trading.engine.effects import RaiseEvent, SaveOrder, SavePosition, SaveState, SaveTrade
from trading.store.schema import HEAD


def test_check_says_what_a_start_would_find(bot: Bot) -> None:
    fresh = bot.command("check", bot.bot_dir, "--json")
    assert fresh.returncode == 0
    assert json_of(fresh)["schema"] is None
    bot.start().stop()
    result = json_of(bot.command("check", bot.bot_dir, "--json"))
    assert result["bot"] == "paper"
    assert result["mode"] == "PAPER"
    assert result["schema"] == HEAD
    assert result["symbols"] == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    words = bot.command("check", bot.bot_dir)
    assert "in order (PAPER" in words.stdout


def test_check_makes_no_database(bot: Bot) -> None:
    bot.command("check", bot.bot_dir)
    assert not (bot.folder / "state.db").exists()


@pytest.mark.parametrize("command", ["check", "backup"])
def test_a_mistake_leaves_standard_output_empty(bot: Bot, command: str) -> None:
    bot.configure("mode: both\n")
    process = bot.command(command, bot.bot_dir, "--json")
    assert process.returncode == 78
    assert process.stdout == ""
    assert last_error(process).startswith("error: ")
    assert "mode: found 'both'" in last_error(process)


def test_a_database_is_backed_up_while_it_runs_and_restored_after(bot: Bot, tmp_path: Path) -> None:
    process = bot.start("--alerts", "20", "--interval", "0")
    copy = tmp_path / "copy.db"
    done = bot.command("backup", bot.bot_dir, "--to", copy, "--json")
    assert json_of(done) == {"backup": str(copy), "bytes": copy.stat().st_size}
    refused = bot.command("restore", bot.bot_dir, "--from", copy, "--json")
    assert refused.returncode == 78
    assert "already in use" in last_error(refused)
    assert refused.stdout == ""
    assert process.stop() == 0
    (bot.folder / "state.db").write_bytes(b"rubbish")
    restored = json_of(bot.command("restore", bot.bot_dir, "--from", copy, "--json"))
    assert Path(restored["kept"]).read_bytes() == b"rubbish"
    assert bot.start().stop() == 0
    kinds = [event.kind for event in bot.saved()[1]]
    assert kinds[0] == "engine_started"
    assert kinds.count("engine_started") == 2
    assert kinds[-1] == "engine_stopped"


def test_a_backup_has_a_name_of_its_own_if_none_is_given(bot: Bot) -> None:
    bot.start().stop()
    result = json_of(bot.command("backup", bot.bot_dir, "--json"))
    assert Path(result["backup"]).parent == bot.folder
    assert Path(result["backup"]).exists()


def test_a_file_that_is_no_backup_is_refused_and_nothing_is_changed(
    bot: Bot, tmp_path: Path
) -> None:
    bot.start().stop()
    before = (bot.folder / "state.db").read_bytes()
    (tmp_path / "wrong").write_bytes(b"hello")
    process = bot.command("restore", bot.bot_dir, "--from", tmp_path / "wrong")
    assert process.returncode == 78
    assert (bot.folder / "state.db").read_bytes() == before


@pytest.mark.parametrize("arguments", [[], ["dance"], ["restore"], ["check", "--jsn"]])
def test_wrong_use_exits_2_with_the_usage(bot: Bot, arguments: list[str]) -> None:
    process = bot.command(*arguments)
    assert process.returncode == 2
    assert "usage:" in process.stderr
    assert process.stderr.splitlines()[-1].startswith("error: ")
    assert process.stdout == ""


def test_the_version_is_said(bot: Bot) -> None:
    process = bot.command("--version")
    assert process.returncode == 0
    assert process.stdout.startswith("tradebridge ")


def fill_in(bot: Bot) -> None:
    """Leave what a bot leaves that has closed two trades and holds a position."""
    bot.folder.mkdir(parents=True)
    with store_rig(bot.folder) as rig:
        rig.store.submit(
            [
                SaveTrade(make_trade(1)),
                SaveTrade(make_trade(2, profit=Decimal(-100))),
                SavePosition(POSITION),
                SaveOrder(make_order()),
                SaveState("cash.main", "10000"),
                SaveState("run.clean_stop", "yes"),
                RaiseEvent(make_event("sold")),
            ]
        )


def test_a_report_tells_what_was_traded(bot: Bot, tmp_path: Path) -> None:
    fill_in(bot)
    target = tmp_path / "trades.csv"
    found = json_of(bot.command("report", bot.bot_dir, "--json", "--csv", target))
    assert found["accounts"][0]["profit"] == "398.5"
    assert [one["seq"] for one in found["trades"]] == [1, 2]
    assert found["csv"] == str(target)
    assert len(target.read_text(encoding="utf-8").splitlines()) == 3
    words = bot.command("report", bot.bot_dir, "--trades", "1")
    assert "2 closed trades, 1 position, 1 open order" in words.stdout
    assert "BTC/USDT" in words.stdout


def test_a_report_is_made_while_the_bot_runs_and_changes_nothing(bot: Bot) -> None:
    process = bot.start()
    found = json_of(bot.command("report", bot.bot_dir, "--json"))
    assert (found["bot"], found["mode"]) == ("paper", "PAPER")
    assert process.stop() == 0
    before = {path.name: path.read_bytes() for path in bot.folder.iterdir() if path.is_file()}
    bot.command("report", bot.bot_dir)
    after = {path.name: path.read_bytes() for path in bot.folder.iterdir() if path.is_file()}
    assert after == before


@pytest.mark.parametrize("command", ["report", "reset"])
def test_a_bot_that_never_ran_has_nothing_to_report_or_reset(bot: Bot, command: str) -> None:
    process = bot.command(command, bot.bot_dir, "--json")
    assert process.returncode == 1
    assert process.stdout == ""
    assert "found no database: this bot has not run yet" in last_error(process)
    assert not bot.folder.exists()


@pytest.mark.parametrize("wrong", [["--days", "0"], ["--days", "x"], ["--trades", "-1"]])
def test_a_wrong_number_is_wrong_use_of_a_report(bot: Bot, wrong: list[str]) -> None:
    process = bot.command("report", bot.bot_dir, *wrong)
    assert process.returncode == 2
    assert process.stdout == ""


def test_a_reset_forgets_what_was_traded_and_keeps_a_copy(bot: Bot) -> None:
    fill_in(bot)
    (bot.folder / "trades.jsonl").write_text("{}\n", encoding="utf-8")
    (bot.folder / "state.json").write_text("{}\n", encoding="utf-8")
    asked = bot.command("reset", bot.bot_dir, "--json")
    assert asked.returncode == 2
    assert asked.stdout == ""
    assert "1 orders, 0 fills, 1 positions, 2 trades" in last_error(asked)
    assert "--yes" in last_error(asked)
    done = json_of(bot.command("reset", bot.bot_dir, "--yes", "--json"))
    assert (done["orders"], done["trades"]) == (1, 2)
    values, events = bot.saved()
    assert "cash.main" not in values
    assert values["run.clean_stop"] == "yes"
    assert [event.text for event in events] == ["sold"]
    assert json_of(bot.command("report", bot.bot_dir, "--json"))["trades"] == []
    assert not (bot.folder / "state.json").exists()
    assert not (bot.folder / "trades.jsonl").exists()
    assert Path(done["trades_file"]).read_text(encoding="utf-8") == "{}\n"
    bot.command("restore", bot.bot_dir, "--from", done["backup"])
    assert len(json_of(bot.command("report", bot.bot_dir, "--json"))["trades"]) == 2


def test_a_reset_is_refused_while_the_bot_runs_and_for_real_money(bot: Bot) -> None:
    process = bot.start()
    refused = bot.command("reset", bot.bot_dir, "--yes")
    assert refused.returncode == 78
    assert "already in use" in last_error(refused)
    assert process.stop() == 0
    with closing(sqlite3.connect(bot.folder / "state.db")) as connection:
        accounts = '{"main": ["paper", "paper"], "real": ["kraken", "live"]}'
        connection.execute("UPDATE owner SET value = ? WHERE key = 'accounts'", (accounts,))
        connection.commit()
    live = bot.command("reset", bot.bot_dir, "--yes")
    assert live.returncode == 78
    assert "account real: found real positions" in last_error(live)
    assert live.stdout == ""


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("UPDATE state_value SET value = 'NaN' WHERE key = 'cash.main'", "state_value cash.main"),
        ("UPDATE position SET stop_price = 'banana'", "position main BTC/USDT"),
        ("UPDATE position SET symbol = 'DOGE/USDT'", "no DOGE/USDT in account main"),
    ],
)
def test_check_refuses_what_a_start_refuses_and_both_leave_it_untouched(
    bot: Bot, damage: str, words: str
) -> None:
    fill_in(bot)
    with closing(sqlite3.connect(bot.folder / "state.db")) as database, database:
        assert database.execute(damage).rowcount == 1
    before = (bot.folder / "state.db").read_bytes()
    for process in (bot.command("check", bot.bot_dir), bot.command("run", bot.bot_dir)):
        assert process.returncode == 78
        assert words in last_error(process)
    assert (bot.folder / "state.db").read_bytes() == before
