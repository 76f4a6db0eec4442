"""Fixtures: a bridge with its people on a messenger."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest

from telegram.bridge.hearing.access import TelegramAccess
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.telegram_desk import ACCESS, BOT_ID, Desk

MakeBridge = Callable[..., Harness]
MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk(make_bridge: MakeBridge, closing: ExitStack) -> MakeDesk:
    def make(access: TelegramAccess = ACCESS, bot_id: int = BOT_ID, **arguments: object) -> Desk:
        desk = Desk(make_bridge(**arguments), access, bot_id)
        closing.callback(desk.close)
        return desk

    return make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()
