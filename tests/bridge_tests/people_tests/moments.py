"""What happens at a bot beside the people: it tells its prices, a command comes."""

from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.bridge_tests.telegram_desk import Desk


def tell(desk: Desk, bot: ScriptedBot, fields: dict[str, object]) -> None:
    """Have the bridge know a bot's status."""
    session = desk.harness.bridge.parts.sessions.get(bot.name)
    assert session is not None
    before = session.status_fields
    bot.show(fields)
    desk.harness.turn_until(lambda: session.status_fields != before, "the status")


def prices(**values: float) -> dict[str, object]:
    rows = [{"symbol": f"{name}/USDT", "price": price} for name, price in values.items()]
    return {"mode": "PAPER", "prices": rows}


def arrived(desk: Desk, bot: ScriptedBot, number: int = 1) -> None:
    desk.harness.turn_until(lambda: len(bot.commands) >= number, "the command")
