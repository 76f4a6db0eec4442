"""What is known of commands: their rows in a bridge's database, and those that came to a bot."""

from telegram.bridge.records import CommandRecord
from telegram.bridge.store.commands import CommandTable
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot


def stored_commands(harness: Harness) -> list[CommandRecord]:
    with harness.database.reading() as connection:
        ids = [row[0] for row in connection.exec_driver_sql("SELECT id FROM command")]
    return [one for each in ids if (one := CommandTable(harness.database).read_one(each))]


def wait_for_commands(bot: ScriptedBot, harness: Harness, count: int) -> None:
    harness.turn_until(lambda: len(bot.commands) >= count, f"{count} commands at {bot.name}")
