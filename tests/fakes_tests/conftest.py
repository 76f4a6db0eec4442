"""Fixtures: the fake server, somebody with a phone, and a caller without a library."""

from collections.abc import Iterator

import pytest

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import RawCaller


@pytest.fixture
def api() -> Iterator[FakeBotApi]:
    with FakeBotApi() as running:
        yield running


@pytest.fixture
def ann(api: FakeBotApi) -> Phone:
    return api.phone(api.person("Ann"), has_met_bot=True)


@pytest.fixture
def caller(api: FakeBotApi) -> Iterator[RawCaller]:
    with RawCaller(api) as open_caller:
        yield open_caller
