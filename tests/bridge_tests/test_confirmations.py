"""What is asked before a command is sent, from the command and what the bots told last."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemonkit.printable import printable
from tcpproto.vocabulary import VOCABULARY, ParsedCommand, parse_line
from telegram.bridge.commands.confirmations import Target, news_since, question_about, yes_to

LABEL = "paper main PAPER"
STREAK = {
    "limit": "losing streak",
    "account": "main",
    "symbol": "BTC/USDT",
    "text": "10 losses in a row in BTC/USDT",
}
DAILY = {
    "limit": "account daily loss",
    "account": "main",
    "symbol": "",
    "text": "account main lost 5.20 % today, allowed 5 %",
}
PRICES = [{"symbol": "BTC/USDT", "price": 80123.4}, {"symbol": "DOGE/USDT", "price": 0.18123}]


def asked(line: str, fields: dict[str, Any] | None = None, *, account: str = "") -> list[str]:
    """Return the lines of the question, or none."""
    target = Target(LABEL, fields or {}, account)
    return question_about(parse_line(line), [target]).splitlines()


@pytest.mark.parametrize("name", sorted(VOCABULARY))
def test_only_what_is_listed_asks_a_bot_in_good_order(name: str) -> None:
    args = ("BTC/USDT",) if VOCABULARY[name].arguments else ()
    question = question_about(ParsedCommand(name, args), [Target(LABEL, {"kill": ""})])
    assert bool(question) is (name in {"buy", "flatten"})


def test_a_purchase_says_the_price_and_what_it_overrides() -> None:
    fields = {
        "trading_on": False,
        "paused": True,
        "prices": PRICES,
        "flags": {
            "buying_off": [["main", "BTC/USDT", "daily loss"], ["main", "ETH/USDT", "other"]],
            "selling_off": [["main", "BTC/USDT", "mine"]],
        },
    }
    assert asked("/buy BTC/USDT 0.01", fields) == [
        f"/buy BTC/USDT 0.01 on {LABEL} — are you sure?",
        "  price 80,123.40, about 801.23 USDT",
        "  overrides: trading is OFF",
        "  overrides: entries are paused",
        "  overrides: buying BTC/USDT is off: daily loss",
    ]
    assert "  price 0.18123" in asked("/buy DOGE/USDT", fields)


@pytest.mark.parametrize(
    ("line", "labels", "button"),
    [
        ("/buy btc-usdt 0.01", [LABEL], "Yes: buy BTC/USDT 0.01 — PAPER"),
        ("/sell ALL", ["one main LIVE, second PAPER"], "Yes: sell ALL — LIVE and PAPER"),
        ("/flatten", ["one main LIVE", "two main LIVE"], "Yes: flatten — LIVE"),
        ("/buy BTC/USDT", ["legacy-1 (three-field peer)"], "Yes: buy BTC/USDT"),
    ],
)
def test_the_button_says_what_it_does(line: str, labels: list[str], button: str) -> None:
    assert yes_to(parse_line(line), [Target(label, {}) for label in labels]) == button


def test_a_small_price_has_no_exponent() -> None:
    prices = [{"symbol": "SHIB/USDT", "price": 0.00001234}]
    assert "  price 0.00001234, about 12.34 USDT" in asked(
        "/buy SHIB/USDT 1000000", {"prices": prices}
    )


@pytest.mark.parametrize("price", [0.0, -1.0, 1e300, 1e-12])
def test_an_odd_price_makes_no_cost(price: float) -> None:
    prices = [{"symbol": "BTC/USDT", "price": price}]
    assert not any("about" in line for line in asked("/buy BTC/USDT 0.01", {"prices": prices}))


def test_flags_may_also_come_as_a_row_for_each_market() -> None:
    rows = [
        {"account": "main", "symbol": "BTC/USDT", "buying": False, "buying_reason": ""},
        {"account": "second", "symbol": "BTC/USDT", "buying": False, "buying_reason": "x"},
        {"account": "main", "symbol": "ETH/USDT", "buying": True},
    ]
    assert asked("/buy ALL", {"flags": rows}, account="main")[1:] == [
        "  overrides: buying BTC/USDT is off"
    ]


def test_a_purchase_says_also_what_it_does_not_override() -> None:
    fields = {"kill": "the kill latch is set: stop", "tripped": [DAILY, STREAK]}
    assert asked("/buy ETH/USDT", fields)[1:] == [
        "  will be refused: the kill latch is set: stop",
        "  will be refused: account main lost 5.20 % today, allowed 5 %",
    ]


def test_a_purchase_on_a_bot_that_tells_nothing_is_asked_about_all_the_same() -> None:
    assert asked("/buy BTC/USDT") == [f"/buy BTC/USDT on {LABEL} — are you sure?"]


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"positions": [{"account": "main"}] * 2, "orders": []}, "2 positions, cancels 0 orders"),
        ({"positions": 1, "orders": 3}, "1 position, cancels 3 orders"),
        ({}, "every position, cancels every order"),
    ],
)
def test_flattening_says_what_it_ends(fields: dict[str, Any], counts: str) -> None:
    assert asked("/flatten", fields) == [
        f"/flatten on {LABEL} — are you sure?",
        f"  closes {counts}, stops entries",
    ]


def test_of_one_account_only_its_positions_are_counted() -> None:
    fields = {"positions": [{"account": "main"}, {"account": "second"}]}
    assert asked("/sell ALL", fields, account="second")[1:] == ["  sells all of 1 position"]
    assert asked("/sell BTC/USDT", fields) == []


def test_a_sale_that_would_open_a_short_position_is_asked_about() -> None:
    fields = {"positions": [], "accounts": [{"account": "main", "can_short": True}]}
    assert asked("/sell BTC/USDT 0.01", fields) == [
        f"/sell BTC/USDT 0.01 on {LABEL} — are you sure?",
        "  nothing is held: sells short",
    ]
    assert asked("/sell BTC/USDT 0.01", {"positions": []}) == []
    assert asked("/sell BTC/USDT", fields) == []
    held = {"account": "main", "symbol": "BTC/USDT"}
    assert asked("/sell BTC/USDT 0.01", {**fields, "positions": [held]}) == []


def test_more_may_be_open_than_is_told() -> None:
    fields = {"positions": [{"account": "main"}] * 50, "orders": [], "orders_open": 71}
    assert asked("/flatten", fields)[1:] == [
        "  closes 50 positions, cancels 71 orders, stops entries"
    ]


def test_resuming_asks_when_the_latch_is_set() -> None:
    assert asked("/resume", {"kill": ""}) == []
    assert asked("/resume", {"kill": "the kill latch is set by tg:1: too fast"}) == [
        f"/resume on {LABEL} — are you sure?",
        "  resets the latch: the kill latch is set by tg:1: too fast",
    ]


def test_the_way_into_safety_asks_nothing_whatever_the_bot_tells() -> None:
    fields = {"kill": "set", "tripped": [DAILY], "trading": "OFF", "positions": 9}
    for line in ("/emergency", "/stoptrading", "/pause", "/stopbuying ALL", "/sell BTC/USDT"):
        assert asked(line, fields) == []


def test_switching_buying_on_asks_when_it_would_lift_a_limit() -> None:
    ether = {**DAILY, "symbol": "ETH/USDT", "text": "3.10 % lost today in ETH/USDT"}
    fields = {"tripped": [DAILY, STREAK, ether]}
    assert asked("/startbuying ETH/USDT", fields) == [
        f"/startbuying ETH/USDT on {LABEL} — are you sure?",
        "  lifts: 3.10 % lost today in ETH/USDT",
    ]
    assert asked("/startbuying ALL", fields)[1:] == [
        "  lifts: account main lost 5.20 % today, allowed 5 %",
        "  lifts: 3.10 % lost today in ETH/USDT",
        "  lets strategies buy in every market again",
    ]
    # A losing streak is lifted by the command alone, and of other markets nothing is.
    assert asked("/startbuying BTC/USDT", fields) == []
    assert asked("/startbuying ETH/USDT", fields, account="second") == []
    assert asked("/startbuying ALL", {}) == [
        f"/startbuying ALL on {LABEL} — are you sure?",
        "  lets strategies buy in every market again",
    ]


def test_several_bots_are_asked_about_at_once_and_each_is_named() -> None:
    targets = [Target("one main LIVE", {"positions": 1, "orders": 0}, age="2m 05s")]
    targets.append(Target("two main PAPER", {"positions": 2, "orders": 1}))
    assert question_about(ParsedCommand("flatten", (), "all"), targets).splitlines() == [
        "/flatten on one main LIVE; two main PAPER — are you sure?",
        "  one main LIVE: closes 1 position, cancels 0 orders, stops entries",
        "  one main LIVE: as the bot told 2m 05s ago",
        "  two main PAPER: closes 2 positions, cancels 1 order, stops entries",
    ]


def test_a_question_stays_short_whatever_the_bot_tells() -> None:
    many = [{**DAILY, "text": f"{number} \x1b[2J\n" + "x" * 1_000} for number in range(50)]
    lines = asked("/startbuying ALL", {"tripped": many})
    assert len(lines) == 10
    assert lines[-1] == "  … 43 more"
    assert max(len(line) for line in lines) <= 162
    assert all(line.isprintable() for line in lines)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["account", "symbol", "price", "buying_off", "text", "limit"]), inner
        )
    ),
    max_leaves=12,
)
KEYS = ["trading", "paused", "kill", "flags", "tripped", "prices", "positions", "orders"]


@given(
    st.sampled_from(["/buy BTC/USDT", "/buy ALL", "/flatten", "/resume", "/startbuying ALL"]),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING),
)
def test_whatever_a_bot_tells_there_is_a_question_or_none(
    line: str, fields: dict[str, Any]
) -> None:
    for one in asked(line, fields):
        assert printable(one) == one


@given(
    st.sampled_from(["/buy BTC/USDT", "/buy ALL", "/sell A/B 1", "/startbuying ALL"]),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING),
)
def test_whatever_a_bot_tells_first_and_then_the_news_can_be_asked_about(
    line: str, before: dict[str, Any], now: dict[str, Any]
) -> None:
    command, was, target = parse_line(line), Target(LABEL, before), Target(LABEL, now)
    assert news_since(command, [target], [target]) == []
    news = news_since(command, [was], [target])
    question = question_about(command, [target], news)
    assert all(printable(one) == one for one in question.splitlines())
    assert question or not news


@pytest.mark.parametrize(
    ("old", "new", "is_news"),
    [(100.0, 100.5, False), (100.0, 100.51, True), (100.0, 99.49, True), (0.0, 5.0, False)],
)
def test_a_price_that_moved_by_more_than_half_a_percent_is_news(
    old: float, new: float, is_news: bool
) -> None:
    before, now = (
        Target(LABEL, {"prices": [{"symbol": "A/B", "price": price}]}) for price in (old, new)
    )
    for line in ("/buy A/B", "/buy ALL"):
        assert bool(news_since(parse_line(line), [before], [now])) is is_news
    # Closing does not wait for a price.
    assert news_since(parse_line("/flatten"), [before], [now]) == []
    assert news_since(parse_line("/sell ALL"), [before], [now]) == []


def test_an_answer_to_a_difference_says_what_differs_and_what_it_would_do() -> None:
    effects = {"adopt": "booked as a position, with a stop", "close": "closed at the market"}
    row = {"number": 3, "text": "BTC: 0.5 BTC more is there", "effects": effects}
    odd = [{"number": 3, "text": 7, "effects": []}, {"number": None}, "x"]
    fields = {"differences": [{"number": 4, "text": "another"}, *odd, row]}
    assert asked("/reconcile 3 close", fields) == [
        f"/reconcile 3 close on {LABEL} — are you sure?",
        "  BTC: 0.5 BTC more is there",
        "  closed at the market",
    ]
    assert asked("/reconcile 3 ignore", fields) == asked("/reconcile", fields) == []
    assert asked("/reconcile 7 close", fields)[1:] == ["  no difference 7 is open"]


def test_a_difference_that_has_changed_since_the_question_is_asked_about_again() -> None:
    before, now = ({"differences": [{"number": 3, "text": text}]} for text in ("0.5", "2.5"))
    command = parse_line("/reconcile 3 close")
    assert news_since(command, [Target(LABEL, before)], [Target(LABEL, before)]) == []
    assert news_since(command, [Target(LABEL, before)], [Target(LABEL, now)]) == ["new: 2.5"]
