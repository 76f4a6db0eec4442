"""`python -m trading check|backup|restore`: one line of JSON, or none and a reason."""

from pathlib import Path

import pytest

from tests.trading_tests.process.bot import Bot, json_of, last_error
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
    assert kinds[-2:] == ["engine_started", "engine_stopped"]


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
