"""A person with a phone: the real programs, and a Telegram of this machine's own."""

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import Installation
from tests.process.phone_desk import start_bridge


def test_a_person_trades_from_a_phone(here: Installation, api: FakeBotApi, ann: Phone) -> None:
    bridge = start_bridge(here, api)
    here.start_trading()
    ann.wait_for(r"paper \(PAPER, paper\) started")
    ann.ask("/starttrading", r"^\[applied\] /starttrading .*trading is on")
    ann.ask("/buy BTC/USDT 0.01", "are you sure")
    ann.press("Yes", times=2)
    ann.wait_for(r"^\[applied\] /buy BTC/USDT 0.01")
    bought = ann.wait_for(r"BOUGHT BTC/USDT")
    assert "stop" in bought.text
    assert not bought.is_silent
    ann.ask("/positions", r"BTC/USDT\n LONG +0.01\n")
    ann.ask("/flatten", "are you sure")
    ann.press("Yes")
    ann.wait_for(r"^\[applied\] /flatten .*flat: 1 position closed")
    assert len([one for one in ann.bot_messages if "BOUGHT" in one.text]) == 1
    assert bridge.stop() == 0
    assert api.token not in bridge.stderr


def test_strangers_are_not_heard(here: Installation, api: FakeBotApi, ann: Phone) -> None:
    start_bridge(here, api)
    here.start_trading()
    ann.wait_for("started")
    eve = api.phone(api.person("Eve", 666), has_met_bot=True)
    eve.say("/flatten")
    eve.say("/getstatus")
    ann.ask("/ping", r"\[applied\] /ping")
    assert eve.bot_messages == []


def test_events_come_in_order_and_at_most_once_more_over_kills_of_the_bridge(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    total, kills = 40, 3
    bridge = start_bridge(here, api)
    here.start_trading("--alerts", str(total), "--interval", "0.05")
    for kill in range(kills):
        ann.wait_for(rf"alert {total * (kill + 1) // (kills + 1)} of {total}")
        bridge.kill()
        bridge = start_bridge(here, api)
    ann.wait_for(rf"alert {total} of {total}", timeout_s=60)
    shown = [
        (line, int(line.split(" of ")[0].rsplit(" ", 1)[1]))
        for message in ann.bot_messages
        for line in message.text.splitlines()
        if f" of {total}" in line and "alert" in line
    ]
    numbers = [number for _, number in shown]
    assert list(dict.fromkeys(numbers)) == list(range(1, total + 1))
    repeated = [line for index, (line, number) in enumerate(shown) if number in numbers[:index]]
    assert all("perhaps shown before" in line for line in repeated)
