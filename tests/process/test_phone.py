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
