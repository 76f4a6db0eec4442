"""Building a venue: what cannot work is said before anything is traded, and by its name."""

import inspect
from decimal import Decimal
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret
from tests.trading_tests.brokers.ccxt_kraken_desk import make_venue, market_answers
from tests.trading_tests.brokers.ccxt_server import Reply, serving
from trading.brokers.ccxt_broker import CcxtVenue, build_venue
from trading.brokers.exchanges.markets import DECIMAL_PLACES, TICK_SIZE, build_markets
from trading.brokers.venue import FailureKind, Venue, VenueError


def _build(name: str, market_type: str = "spot", **changes: Any) -> CcxtVenue:
    arguments: dict[str, Any] = {
        "key": Secret("a-key-for-this-test"),
        "secret": Secret("c2VjcmV0LW9mLWEtdGVzdA=="),
        "settings": {},
        "clock": ManualClock(),
        "timeout_s": 1.0,
        **changes,
    }
    return build_venue(name, market_type, ["BTC/USD"], **arguments)


def test_a_venue_of_ccxt_is_a_venue() -> None:
    venue: Venue = _build("kraken")
    assert venue.name == "kraken"
    with pytest.raises(VenueError) as failure:
        venue.holdings()
    assert failure.value.kind is FailureKind.UNREACHABLE
    venue.close()


@pytest.mark.parametrize(
    ("name", "market_type", "words"),
    [
        ("krakn", "spot", "allowed one of kraken"),
        ("kraken", "swap", "market_type: found swap, allowed spot, margin"),
        ("coinbase", "margin", "market_type: found margin, allowed spot"),
        ("kraken", "options", "found options, allowed spot, margin, swap"),
        (
            "binance",
            "margin",
            "found binance .missing: a way to trade on margin, which only Kraken",
        ),
        ("zaif", "spot", "found zaif .missing: "),
    ],
)
def test_what_cannot_work_is_a_configuration_error(name: str, market_type: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        _build(name, market_type)


@pytest.mark.parametrize("name", ["bybit", "okx", "kucoin", "bitget", "gate", "mexc"])
def test_large_exchanges_have_what_is_needed(name: str) -> None:
    _build(name, "spot", password=Secret("a-passphrase-for-this-test")).close()
    _build(name, "swap", password=Secret("a-passphrase-for-this-test")).close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("okx", "keys: okx needs password to sign with"),
        ("hyperliquid", "keys: hyperliquid needs privateKey, walletAddress to sign with"),
    ],
)
def test_what_an_exchange_needs_to_sign_with_is_said(name: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        _build(name)


@pytest.mark.parametrize(
    "settings",
    [{"sandbox": True}, {"secret": "x"}, {"verbose": True}],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        _build("kraken", settings=settings)


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ({"altname": "ETHUSD", "base": "XETH"}, "found BTC/USD, allowed a spot market such as"),
        ({"status": "cancel_only"}, "the exchange has it closed now"),
    ],
)
def test_a_pair_that_is_not_there_or_closed_is_said_with_what_there_is(
    pair: dict[str, Any], words: str
) -> None:
    answers = market_answers()
    pairs = answers["/0/public/AssetPairs"]
    assert isinstance(pairs, Reply)
    changed = {**pairs.body["result"]["XXBTZUSD"], **pair}
    answers["/0/public/AssetPairs"] = Reply({"error": [], "result": {"SOMEPAIR": changed}})
    with serving(answers) as server:
        venue = make_venue(server)
        with pytest.raises(VenueError, match=words) as failure:
            venue.connect()
        assert failure.value.kind is FailureKind.REFUSED
        venue.close()


def test_a_pair_without_margin_is_refused_for_a_margin_account() -> None:
    answers = market_answers()
    pairs = answers["/0/public/AssetPairs"]
    assert isinstance(pairs, Reply)
    changed = {**pairs.body["result"]["XXBTZUSD"], "leverage_buy": [], "leverage_sell": []}
    answers["/0/public/AssetPairs"] = Reply({"error": [], "result": {"XXBTZUSD": changed}})
    with serving(answers) as server:
        venue = make_venue(server, market_type="margin", leverage=2)
        with pytest.raises(VenueError, match="no margin"):
            venue.connect()
        venue.close()


def test_a_leverage_that_a_pair_has_not_is_refused_with_those_it_has() -> None:
    with serving(market_answers()) as server:
        venue = make_venue(server, market_type="margin", leverage=7)
        with pytest.raises(VenueError, match="BTC/USD: leverage 7, allowed 2, 3, 4, 5"):
            venue.connect()
        venue.close()


@pytest.mark.parametrize("reply", [Reply("<html>"), Reply({"error": [], "result": {}}, 502)])
def test_an_exchange_that_does_not_answer_well_cannot_be_connected(reply: Reply) -> None:
    with serving({**market_answers(), "/0/public/AssetPairs": reply}) as server:
        venue = make_venue(server)
        with pytest.raises(VenueError):
            venue.connect()
        venue.close()


def _listed(**changes: Any) -> dict[str, Any]:
    market = {
        "id": "BTCUSD",
        "base": "BTC",
        "quote": "USD",
        "spot": True,
        "active": True,
        "precision": {"price": 0.1, "amount": 1e-8},
        "limits": {"amount": {"min": 0.0001}, "cost": {"min": None}},
        **changes,
    }
    return {"BTC/USD": market}


def _instrument(listed: dict[str, Any], mode: int, market_type: str = "spot") -> Any:
    markets = build_markets(
        listed, ["BTC/USD"], market_type=market_type, precision_mode=mode, where="main"
    )
    return markets.by_symbol["BTC/USD"].instrument


def test_steps_are_exact_in_each_way_of_writing_them() -> None:
    by_tick = _instrument(_listed(), TICK_SIZE)
    assert (by_tick.price_step, by_tick.quantity_step) == (Decimal("0.1"), Decimal("1E-8"))
    by_places = _instrument(_listed(precision={"price": 1, "amount": 8}), DECIMAL_PLACES)
    assert (by_places.price_step, by_places.quantity_step) == (Decimal("0.1"), Decimal("1E-8"))
    assert by_tick.quantity_min == Decimal("0.0001")
    assert by_tick.cost_min == 0


@pytest.mark.parametrize("precision", [{}, {"price": None, "amount": 1}, {"price": 0, "amount": 1}])
def test_a_market_without_steps_is_refused(precision: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="does not tell its steps"):
        _instrument(_listed(precision=precision), TICK_SIZE)


def test_contracts_become_base_units() -> None:
    swap = {
        **_listed()["BTC/USD"],
        "spot": False,
        "swap": True,
        "linear": True,
        "contractSize": 0.01,
        "settle": "USD",
        "precision": {"price": 0.5, "amount": 1},
        "limits": {"amount": {"min": 2}},
    }
    inverse = {**swap, "inverse": True, "linear": False, "settle": "BTC"}
    listed = {"BTC/USD:USD": swap, "BTC/USD:BTC": inverse}
    instrument = _instrument(listed, TICK_SIZE, "swap")
    assert (instrument.quantity_step, instrument.quantity_min) == (
        Decimal("0.01"),
        Decimal("0.02"),
    )


def test_every_call_of_the_protocol_is_there() -> None:
    wanted = {name for name, _ in inspect.getmembers(Venue) if not name.startswith("_")}
    assert wanted <= set(dir(CcxtVenue))
