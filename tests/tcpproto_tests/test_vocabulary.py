"""The table of verbs: complete, consistent, and read the same by people and peers."""

import re

import pytest

from tcpproto.arguments import Kind
from tcpproto.vocabulary import (
    ALIASES,
    LEGACY_VERBS,
    MAX_AGE_S,
    VOCABULARY,
    CommandError,
    Confirm,
    ParsedCommand,
    Place,
    Risk,
    Role,
    asks_for_symbol,
    check_arguments,
    is_legacy_verb,
    legacy_text,
    name_arguments,
    named_in,
    nearest,
    needs_confirmation,
    parse_line,
    risk_of,
    role_allows,
    takes_all_symbols,
)

SYMBOL_VERBS = {"buy", "sell", "startbuying", "stopbuying", "startselling", "stopselling"}
SEED_VERBS = {"starttrading", "stoptrading", "getstatus", "getstats", "ping", *SYMBOL_VERBS}
MONEY_VERBS = {"positions", "orders", "trades", "profit", "daily", "balance", "chart", "why"}
SAFETY_VERBS = {"flatten", "pause", "resume", "emergency", "reconcile"}
INSTANCE_VERBS = {"instances", "mode"}
BRIDGE_VERBS = {
    *("help", "bots", "use", "logs", "follow", "health", "version", "start", "ping"),
    *("mute", "tz"),
}
EVERY_VERB = sorted(VOCABULARY)


def test_table_holds_exactly_the_promised_commands() -> None:
    beyond_seed = MONEY_VERBS | SAFETY_VERBS | INSTANCE_VERBS | BRIDGE_VERBS
    assert set(VOCABULARY) == SEED_VERBS | beyond_seed
    assert dict(ALIASES) == {"stop": "stoptrading"}


def test_this_version_carries_out_exactly_these_commands() -> None:
    available = {name for name, verb in VOCABULARY.items() if verb.available}
    later = INSTANCE_VERBS
    assert available == set(VOCABULARY) - later


def test_bridge_answers_only_what_needs_no_engine() -> None:
    bridge = {name for name, verb in VOCABULARY.items() if verb.place is Place.BRIDGE}
    assert bridge == BRIDGE_VERBS


@pytest.mark.parametrize("name", EVERY_VERB)
def test_row_is_complete_and_consistent(name: str) -> None:
    verb = VOCABULARY[name]
    assert verb.name == name
    assert re.fullmatch("[a-z]{1,32}", name)
    # Telegram shows the summary in its menu and allows 256 characters there.
    assert re.fullmatch(".{3,80}", verb.summary)
    assert verb.max_age_s == MAX_AGE_S[verb.risk] <= verb.max_age_queued_s
    assert verb.place is Place.ENGINE or verb.risk in {Risk.READING, Risk.SETTING}
    assert verb.names_bot or not verb.broadcast
    assert verb.usage.startswith(f"/{name}")


@pytest.mark.parametrize("name", EVERY_VERB)
def test_arguments_are_declared_in_an_order_that_can_be_read(name: str) -> None:
    arguments = VOCABULARY[name].arguments
    required = [argument.required for argument in arguments]
    assert required == sorted(required, reverse=True)
    assert not any(argument.repeatable for argument in arguments[:-1])
    assert not arguments or not arguments[0].follows
    assert len({argument.name for argument in arguments}) == len(arguments)
    assert all((argument.kind is Kind.COUNT) == (argument.count_max > 0) for argument in arguments)
    assert all((argument.kind is Kind.CHOICE) == bool(argument.choices) for argument in arguments)


@pytest.mark.parametrize("name", EVERY_VERB)
def test_examples_are_understood_and_name_their_verb(name: str) -> None:
    for example in VOCABULARY[name].examples:
        assert parse_line(example).verb == name
        assert parse_line(example).line == example


def test_everything_that_trades_needs_a_trader_and_everything_else_a_viewer() -> None:
    for verb in VOCABULARY.values():
        acts = verb.risk in {Risk.RAISING, Risk.REDUCING}
        assert role_allows(verb.role, Role.TRADER) is acts, verb.name


def test_ages_follow_the_effect_on_exposure() -> None:
    assert VOCABULARY["buy"].max_age_queued_s == 30
    assert VOCABULARY["sell"].max_age_s == 300
    assert VOCABULARY["sell"].max_age_queued_s == 86_400
    assert VOCABULARY["getstatus"].max_age_queued_s == 600
    assert VOCABULARY["use"].max_age_queued_s == 30


@pytest.mark.parametrize("name", ["stoptrading", "stopbuying", "flatten", "emergency", "pause"])
def test_ways_out_reduce_risk_and_so_may_wait_for_a_bot(name: str) -> None:
    assert VOCABULARY[name].risk is Risk.REDUCING


@pytest.mark.parametrize("name", ["starttrading", "startbuying", "buy", "resume", "stopselling"])
def test_what_adds_or_keeps_exposure_never_runs_late(name: str) -> None:
    assert VOCABULARY[name].risk is Risk.RAISING


def test_switching_an_instance_down_reduces_risk() -> None:
    assert risk_of("mode", ("sma-1", "active")) is Risk.RAISING
    assert risk_of("mode", ("sma-1", "observe")) is Risk.REDUCING
    assert risk_of("mode", ("sma-1", "off")) is Risk.REDUCING
    assert risk_of("buy", ("BTC/USDT",)) is Risk.RAISING


def test_a_difference_is_classed_and_confirmed_by_its_answer() -> None:
    assert risk_of("reconcile", ()) is risk_of("reconcile", ("3",)) is Risk.READING
    assert risk_of("reconcile", ("3", "close")) is Risk.REDUCING
    # Both end what a difference has barred.
    assert risk_of("reconcile", ("3", "adopt")) is Risk.RAISING
    assert risk_of("reconcile", ("3", "ignore")) is Risk.RAISING
    asked = [
        one for one in ("adopt", "close", "ignore") if needs_confirmation("reconcile", ("3", one))
    ]
    assert asked == ["adopt", "close"]
    assert not needs_confirmation("reconcile", ())
    assert parse_line("/reconcile 3 adopt @kraken") == ParsedCommand(
        "reconcile", ("3", "adopt"), "kraken"
    )


def test_roles_are_ordered_and_unknown_ones_may_nothing() -> None:
    assert role_allows("admin", Role.TRADER)
    assert role_allows("viewer", Role.VIEWER)
    assert not role_allows("viewer", Role.TRADER)
    assert not role_allows("trader", Role.ADMIN)
    assert not role_allows("root", Role.VIEWER)
    assert not role_allows("", Role.VIEWER)


def test_buy_flatten_and_sell_of_all_are_confirmed() -> None:
    assert needs_confirmation("buy", ("BTC/USDT",))
    assert needs_confirmation("flatten", ())
    assert needs_confirmation("sell", ("ALL",))
    assert not needs_confirmation("sell", ("BTC/USDT",))
    assert not needs_confirmation("stoptrading", ())
    asked = {name for name, verb in VOCABULARY.items() if verb.confirm is not Confirm.NEVER}
    assert asked == {"buy", "sell", "flatten", "startbuying", "resume", "reconcile"}


def test_what_lifts_limits_is_confirmed_by_what_it_lifts() -> None:
    assert VOCABULARY["startbuying"].confirm is Confirm.IF_TRIPPED
    assert needs_confirmation("startbuying", ("ALL",))
    assert not needs_confirmation("startbuying", ("BTC/USDT",))
    assert VOCABULARY["resume"].confirm is Confirm.IF_LATCHED
    assert not needs_confirmation("resume", ())


def test_the_way_into_safety_is_never_asked_about() -> None:
    for name in ("emergency", "stoptrading", "pause", "stopbuying", "startselling"):
        assert VOCABULARY[name].confirm is Confirm.NEVER
        assert not needs_confirmation(name, ("ALL",) if asks_for_symbol(name, ()) else ())


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        ("/buy BTC/USDT 0.01", ParsedCommand("buy", ("BTC/USDT", "0.01"))),
        ("/buy btc-usdt .50", ParsedCommand("buy", ("BTC/USDT", "0.5"))),
        ("  /BUY   BTC-USDT  ", ParsedCommand("buy", ("BTC/USDT",))),
        ("/buy", ParsedCommand("buy")),
        ("/buy@My_Bot ETH/USD", ParsedCommand("buy", ("ETH/USD",), addressee="My_Bot")),
        ("/buy BTC/USDT:USDT", ParsedCommand("buy", ("BTC/USDT:USDT",))),
        ("/sell all", ParsedCommand("sell", ("ALL",))),
        ("/sell all @all", ParsedCommand("sell", ("ALL",), "all")),
        ("/sell MESZ6 @Futures", ParsedCommand("sell", ("MESZ6",), "futures")),
        (
            "/buy BTC/USDT 0.01 @paper:Second",
            ParsedCommand("buy", ("BTC/USDT", "0.01"), "paper", account="second"),
        ),
        ("/sell ALL @:second", ParsedCommand("sell", ("ALL",), account="second")),
        ("/flatten @kraken:main", ParsedCommand("flatten", (), "kraken", account="main")),
        ("/stop", ParsedCommand("stoptrading")),
        ("/stop all", ParsedCommand("stoptrading", bot="all")),
        ("/start", ParsedCommand("start")),
        ("/use @Paper", ParsedCommand("use", ("paper",))),
        ("/help /STOP", ParsedCommand("help", ("stoptrading",))),
        ("/trades 020 btc-usdt", ParsedCommand("trades", ("20", "BTC/USDT"))),
        ("/trades 1inch/usdt", ParsedCommand("trades", ("1INCH/USDT",))),
        ("/chart 1h", ParsedCommand("chart", ("1h",))),
        ("/chart btc/usdt 1H", ParsedCommand("chart", ("BTC/USDT", "1h"))),
        ("/logs", ParsedCommand("logs")),
        ("/logs 20 WARN timed out", ParsedCommand("logs", ("20", "warning", "timed", "out"))),
        ("/logs error all", ParsedCommand("logs", ("error", "all"))),
        ("/logs füßchen 20", ParsedCommand("logs", ("füßchen", "20"))),
        ("/follow 10m @kraken", ParsedCommand("follow", ("10m",), "kraken")),
        ("/follow OFF", ParsedCommand("follow", ("off",))),
        ("/mode off active", ParsedCommand("mode", ("off", "active"))),
        ("/mute 007d", ParsedCommand("mute", ("7d",))),
        ("/tz Europe/Berlin", ParsedCommand("tz", ("Europe/Berlin",))),
    ],
)
def test_line_is_read_into_canonical_form(line: str, parsed: ParsedCommand) -> None:
    assert parse_line(line) == parsed


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "commands begin with /"),
        ("   ", "commands begin with /"),
        ("hello", "commands begin with /"),
        ("/", "'/' is not a command"),
        ("/ buy BTC/USDT", "'/' is not a command"),
        ("//buy BTC/USDT", "'//buy' is not a command"),
        ("/buy@", "'/buy@' is not a command"),
        ("/buy@a@b", "'/buy@a@b' is not a command"),
        ("/bu BTC/USDT", "did you mean /buy?"),
        ("/status", "did you mean /getstatus?"),
        ("/xyzzy", "there is no command '/xyzzy'; try /help"),
        ("/\N{KELVIN SIGN}elp", "is not a command"),
        ("/ѕell BTC/USDT", "is not a command"),
        ("/buy ВТС/USDT", "is not a market symbol"),
        ("/buy BTC/USDT/EUR", "is not a market symbol"),
        ("/buy 0.01", "'0.01' is not a market symbol"),
        ("/buy BTC/USDT NaN", "'NaN' is not an amount"),
        ("/buy BTC/USDT inf", "'inf' is not an amount"),
        ("/buy BTC/USDT -1", "'-1' is not an amount"),
        ("/buy BTC/USDT +1", "'+1' is not an amount"),
        ("/buy BTC/USDT 1e9", "'1e9' is not an amount"),
        ("/buy BTC/USDT 1_000", "'1_000' is not an amount"),
        ("/buy BTC/USDT 1,5", "with a decimal point"),
        ("/buy BTC/USDT ٣", "is not an amount"),
        ("/buy BTC/USDT ²", "is not an amount"),
        ("/buy BTC/USDT .", "'.' is not an amount"),
        ("/buy BTC/USDT 0.000", "the amount must be more than zero"),
        ("/buy BTC/USDT " + "9" * 19, "is not an amount"),
        ("/buy BTC/USDT 1 2", "'2' is one word too many. Usage: /buy"),
        ("/buy ALL 1", "amount cannot be given for ALL"),
        ("/buy BTC/USDT @all", "/buy goes to one bot, never to all"),
        ("/sell BTC/USDT @telegram", "'@telegram' is not the name of a bot"),
        ("/sell BTC/USDT @paper:", "'' is not the name of an account"),
        ("/sell BTC/USDT @paper:a:b", "'a:b' is not the name of an account"),
        ("/sell BTC/USDT @paper:all", "'all' is not the name of an account"),
        ("/sell BTC/USDT @:", "'' is not the name of an account"),
        ("/sell BTC/USDT @", "'@' is not the name of a bot"),
        ("/sell BTC/USDT @all:main", "'@all' is not the name of a bot"),
        ("/logs @paper:main", "/logs is about a bot, not about one of its accounts"),
        ("/starttrading @:main", "/starttrading is about a bot, not about one of its accounts"),
        ("/emergency @:main", "/emergency is about a bot, not about one of its accounts"),
        ("/getstatus now", "'now' is one word too many. Usage: /getstatus"),
        ("/trades 0", "'0' is not a whole number from 1 to 200"),
        ("/trades ٣", "is not a whole number"),
        ("/mode sma-1", "the mode is missing. Usage: /mode INSTANCE off|observe|active"),
        ("/mode", "the instance is missing"),
        ("/mode sma-1 on", "'on' is not one of off, observe, active"),
        ("/follow 8d", "is not a duration"),
        ("/follow 0m", "is not a duration"),
        ("/use all", "'all' is not the name of a bot"),
        ("/help nothing", "'nothing' is not a command"),
        ("/why all things", "is not a market symbol"),
        ("/buy BTC/USDT\n/sell ALL", "control or invisible characters, or several lines"),
        ("/buy\tBTC/USDT", "control or invisible"),
        ("/buy BTC\N{RIGHT-TO-LEFT OVERRIDE}/USDT", "control or invisible"),
        ("/buy BTC\N{ZERO WIDTH SPACE}/USDT", "control or invisible"),
        ("/buy \ud800", "control or invisible"),
        ("/buy \x1b[2J", "control or invisible"),
        ("/logs " + "a " * 17, "more than 16 words"),
        ("/logs " + "a" * 65, "is longer than 64 characters"),
        ("/buy " + "A" * 1_000_000, "the line is longer than 512 characters"),
    ],
)
def test_line_that_is_not_understood_says_why(line: str, told: str) -> None:
    with pytest.raises(CommandError) as refusal:
        parse_line(line)
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_errors_about_arguments_show_usage_and_an_example() -> None:
    with pytest.raises(CommandError) as refusal:
        parse_line("/buy BTC/USDT lots")
    assert str(refusal.value) == (
        "'lots' is not an amount: a plain number such as 0.01, with a decimal point. "
        "Usage: /buy [SYMBOL|ALL [AMOUNT]], for example /buy BTC/USDT"
    )


def test_arguments_from_a_peer_are_checked_as_those_from_a_person() -> None:
    assert check_arguments("buy", ["btc-usdt", "1.50"]) == ("BTC/USDT", "1.5")
    for args in (["BTC/USDT", "1", "2"], [""], ["BTC USDT"], ["\x00"], ["A" * 257], ["x"] * 32):
        with pytest.raises(CommandError):
            check_arguments("buy", args)
    with pytest.raises(CommandError, match="there is no command"):
        check_arguments("rm -rf", [])


def test_arguments_have_names() -> None:
    assert name_arguments("buy", ("BTC/USDT", "0.01")) == {"symbol": "BTC/USDT", "amount": "0.01"}
    assert name_arguments("logs", ("20", "timed", "out")) == {"count": "20", "text": "timed out"}
    assert name_arguments("getstatus", ()) == {}


def test_nearest_verb_is_found_or_none() -> None:
    assert nearest("strattrading") == "starttrading"
    assert nearest("STOP") == "stop"
    assert [nearest(word) for word in ("halt", "Panic", "close")] == [
        "stop",
        "emergency",
        "flatten",
    ]
    assert nearest("") is None
    assert nearest("q" * 1_000_000) is None


def test_a_line_without_its_slash_may_name_a_command() -> None:
    assert [named_in(line) for line in ("STOP", "sell BTC/USDT", "kill it")] == [
        *("stop", "sell", "emergency")
    ]
    assert [named_in(line) for line in ("", "  ", "hello", "stopp", "please stop")] == [None] * 5


def test_symbol_commands_without_a_symbol_ask_for_one() -> None:
    asking = {name for name in VOCABULARY if asks_for_symbol(name, ())}
    assert asking == SYMBOL_VERBS | {"chart"}
    assert not asks_for_symbol("buy", ("ALL",))
    assert asks_for_symbol("chart", ("1h",))
    assert not asks_for_symbol("chart", ("BTC/USDT", "1h"))
    assert {name for name in asking if takes_all_symbols(name)} == SYMBOL_VERBS


def test_three_field_peers_get_what_they_understand() -> None:
    assert SEED_VERBS - {"ping"} == LEGACY_VERBS
    assert {name for name in VOCABULARY if is_legacy_verb(name)} == LEGACY_VERBS
    assert legacy_text("starttrading", ()) == "starttrading"
    assert legacy_text("buy", ("btc-usdt",)) == "buy:BTC/USDT"
    assert legacy_text("sell", ("ALL",)) == "sell"


def test_three_field_peers_get_nothing_that_would_mean_something_else_to_them() -> None:
    assert legacy_text("buy", ("BTC/USDT", "0.01")) is None
    assert legacy_text("buy", ()) is None
    assert legacy_text("getstats", ("BTC/USDT",)) is None
    assert legacy_text("buy", ("BTC USDT",)) is None
    assert legacy_text("flatten", ()) is None
    assert legacy_text("ping", ()) is None
