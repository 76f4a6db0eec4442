"""The token of the bot: in no log, no error and no text, whatever happens and at any level."""

import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from daemonkit.clock import SystemClock
from telegram.bridge.bot import PtbMessenger
from telegram.bridge.bot_api.state import Standing
from telegram.bridge.messenger import Trouble
from tests.bridge_tests.telegram_tests.bot_rig import (
    PATIENCE_S,
    BotRig,
    place_of,
    settings_for,
    trouble_of,
)
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.fakes_tests.raw_caller import PNG
from tests.waiting import wait_until

CANARY = "7001234567:AACanaryCanaryCanaryCanaryCanaryCan"
SECRET = CANARY.partition(":")[2]


@pytest.fixture
def api() -> Iterator[FakeBotApi]:
    with FakeBotApi(token=CANARY) as running:
        yield running


@pytest.fixture
def ann(api: FakeBotApi) -> Phone:
    return api.phone(api.person("Ann"), has_met_bot=True)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Listen to everything, without the redaction that the process has beside all this."""
    caplog.set_level(logging.DEBUG)
    return caplog


def _has_stood(rig: BotRig, told: int, standing: Standing) -> bool:
    return any(state.standing is standing for state in rig.states[told:])


def test_no_log_line_of_a_whole_life_has_the_token(
    api: FakeBotApi, ann: Phone, log: pytest.LogCaptureFixture
) -> None:
    with BotRig(api) as rig:
        ann.say("/stop")
        rig.wait_text("/stop")
        rig.call(lambda m: m.send_text(place_of(ann), "x", html=True))
        rig.call(lambda m: m.send_photo(place_of(ann), PNG, "x"))
        for harm, standing in (
            (api.faults.unauthorized, Standing.TOKEN_REFUSED),
            (api.faults.captive_portal, Standing.AWAY),
            (api.faults.conflict, Standing.CONFLICT),
        ):
            told = len(rig.states)
            harm(method="getUpdates")
            api.end_connections()
            wait_until(
                partial(_has_stood, rig, told, standing), PATIENCE_S, f"the state {standing}"
            )
        with api.is_down():
            rig.wait_standing(Standing.AWAY)
        ann.say("after")
        rig.wait_text("after")
        assert SECRET not in repr(rig.thread) + repr(rig.thread.state) + repr(rig.states)
    assert "token refused" in log.text
    assert SECRET not in log.text
    assert SECRET not in "".join(str(vars(record)) for record in log.records)


@pytest.mark.parametrize(
    "harm",
    [
        lambda api: api.faults.unauthorized(),
        lambda api: api.faults.not_found(),
        lambda api: api.faults.captive_portal(),
        lambda api: api.faults.bad_gateway(),
        lambda api: api.faults.odd_json(None),
        lambda api: api.faults.odd_json({"ok": False, "description": f"no {CANARY}"}),
        lambda api: api.faults.drop(acts=True),
        lambda api: api.go_down(),
    ],
)
def test_no_error_has_the_token(
    api: FakeBotApi,
    ann: Phone,
    log: pytest.LogCaptureFixture,
    harm: Callable[[FakeBotApi], object],
) -> None:
    harm(api)
    error = trouble_of(api, lambda m: m.send_text(place_of(ann), "x", html=False))
    logging.getLogger("a caller").error("failed", exc_info=error)
    told = "".join(traceback.format_exception(error)) + repr(error) + str(error) + log.text
    assert SECRET not in told
    assert error.__suppress_context__


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1/bot", "http://[bad/bot", "nonsense"])
def test_no_address_that_fails_brings_the_token_out(
    api: FakeBotApi, ann: Phone, log: pytest.LogCaptureFixture, base_url: str
) -> None:
    error = trouble_of(
        api, lambda m: m.send_text(place_of(ann), "x", html=False), base_url=base_url
    )
    logging.getLogger("a caller").error("failed", exc_info=error)
    assert SECRET not in str(error) + repr(error) + log.text


def test_the_messenger_shows_and_pickles_no_token(api: FakeBotApi) -> None:
    settings = settings_for(api)
    messenger = PtbMessenger(settings, SystemClock())
    assert SECRET not in repr(messenger) + str(messenger) + repr(settings)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(settings)


def test_a_refused_token_is_not_named_at_the_start(
    api: FakeBotApi, log: pytest.LogCaptureFixture
) -> None:
    api.revoke_token("7001234567:AAAnotherTokenForTestsOnly-Never_Real01")
    with BotRig(api, token=CANARY) as rig:
        rig.wait_standing(Standing.TOKEN_REFUSED)
    error = trouble_of(api, lambda m: m.who_am_i(), token=CANARY)
    assert (error.trouble, str(error)) == (Trouble.TOKEN_REFUSED, "the token was refused")
    assert "token refused" in log.text
    assert SECRET not in log.text
