"""ccxt's classes as we build them: no hidden retries, no hidden waits, nothing printed."""

import subprocess
import sys

import pytest

from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret
from tests.processes import ROOT
from trading.brokers.exchanges.loading import (
    Credentials,
    check_settings,
    has_pro,
    load_exchange,
    load_pro_exchange,
)


def test_an_exchange_is_built_with_the_given_settings_and_keys() -> None:
    exchange = load_exchange(
        "kraken",
        {"urls": {"api": {"private": "http://127.0.0.1:9"}}, "options": {"x": 1}},
        timeout_s=2.5,
        credentials=Credentials(Secret("the-key-of-a-test"), Secret("the-secret-of-a-test")),
    )
    assert exchange.timeout == 2500
    assert exchange.urls["api"]["private"] == "http://127.0.0.1:9"
    assert exchange.urls["api"]["public"] == "https://api.kraken.com"
    assert (exchange.apiKey, exchange.secret) == ("the-key-of-a-test", "the-secret-of-a-test")


def test_no_setting_brings_back_a_hidden_retry_a_hidden_wait_or_a_redirect() -> None:
    exchange = load_exchange(
        "kraken",
        {
            "enableRateLimit": True,
            "options": {"maxRetriesOnFailure": 3, "AddOrder": {"maxRetriesOnFailure": 2}},
        },
        timeout_s=1,
    )
    assert exchange.enableRateLimit is False
    assert exchange.options["maxRetriesOnFailure"] == 0
    assert exchange.options["AddOrder"] == {}
    assert exchange.session.max_redirects == 0


def test_an_unknown_exchange_is_refused_with_names_that_are_close() -> None:
    with pytest.raises(ConfigurationError, match="found krakn, allowed one of kraken"):
        load_exchange("krakn", {}, timeout_s=1, where="config.yaml")


@pytest.mark.parametrize("name", ["kraken", "coinbase"])
def test_a_sandbox_that_does_not_exist_is_refused_in_words(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} has no such system"):
        load_exchange(name, {"sandbox": True}, timeout_s=1)


def test_a_sandbox_that_exists_is_used() -> None:
    exchange = load_exchange("krakenfutures", {"sandbox": True}, timeout_s=1)
    assert "demo-futures" in exchange.urls["api"]["private"]
    demo = load_exchange("binance", {"demo": True}, timeout_s=1)
    assert demo.urls["api"]["private"] == demo.urls["demo"]["private"]


@pytest.mark.parametrize("settings", [{"apiKey": "x"}, {"secret": "y"}, {"verbose": True}])
def test_keys_and_printing_do_not_stand_in_the_configuration(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        check_settings(settings, "config.yaml")


def test_the_websocket_class_takes_the_same_settings() -> None:
    exchange = load_pro_exchange("binance", {"options": {"x": 1}}, timeout_s=2)
    assert exchange.options["x"] == 1
    assert exchange.has["watchTicker"]
    assert has_pro("kraken")
    assert not has_pro("no-such-exchange")


def test_importing_the_loader_imports_no_ccxt() -> None:
    code = "import sys, trading.brokers.exchanges.loading as _; sys.exit('ccxt' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
