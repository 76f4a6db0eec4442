"""Fixtures: a simulated Telegram on the test's clock, and desks that are closed after the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from daemonkit.clock import ManualClock
from telegram.bridge.messenger import Place
from tests.bridge_tests.chat_outbox_tests.desk import Desk
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi

MakeDesk = Callable[..., Desk]


@pytest.fixture
def api(clock: ManualClock) -> Iterator[FakeBotApi]:
    """Simulate a Telegram that is as fast as it lets bots be."""
    with FakeBotApi(clock=clock) as served:
        served.limit_speed()
        yield served


@pytest.fixture
def phone(api: FakeBotApi) -> Phone:
    """Give a person who has met the bot a phone."""
    return api.phone(api.person("Ann"), has_met_bot=True)


@pytest.fixture
def make_desk(
    tmp_path: Path, api: FakeBotApi, clock: ManualClock, closing: ExitStack
) -> Callable[..., Desk]:
    """Open places as chats."""

    def make(*places: Place) -> Desk:
        desk = Desk(tmp_path, api, clock, places)
        closing.callback(desk.close)
        return desk

    return make


@pytest.fixture
def desk(make_desk: MakeDesk, phone: Phone) -> Desk:
    """Open the private chat of the phone."""
    return make_desk(Place(phone.chat.id))
