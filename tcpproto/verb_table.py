"""The table of all chat commands: one row for each verb.

What the columns mean is in `verbs`; lines and arguments are checked in `vocabulary`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from tcpproto.arguments import ALL, Argument, Kind
from tcpproto.verbs import Confirm, Place, Risk, Role, Verb

_SYMBOL = Argument("symbol", Kind.SYMBOL)
_SYMBOL_OR_ALL = Argument("symbol", Kind.SYMBOL, asked=True, literals=(ALL,))
_AMOUNT = Argument("amount", Kind.AMOUNT, follows=True)
_DAYS = Argument("days", Kind.COUNT, count_max=3_650)
_LEVEL = Argument(
    "level",
    Kind.CHOICE,
    choices=("debug", "info", "warning", "error", "critical"),
    synonyms=(("warn", "warning"), ("err", "error"), ("crit", "critical")),
)


def _bridge(
    name: str,
    summary: str,
    *arguments: Argument,
    risk: Risk = Risk.READING,
    examples: tuple[str, ...] = (),
    available: bool = True,
    names_bot: bool = False,
) -> Verb:
    return Verb(
        name,
        summary,
        Place.BRIDGE,
        risk,
        Role.VIEWER,
        arguments,
        examples,
        available=available,
        names_bot=names_bot,
    )


def _reading(
    name: str,
    summary: str,
    *arguments: Argument,
    examples: tuple[str, ...] = (),
    available: bool = True,
    broadcast: bool = True,
) -> Verb:
    return Verb(
        name,
        summary,
        Place.ENGINE,
        Risk.READING,
        Role.VIEWER,
        arguments,
        examples,
        available=available,
        names_bot=True,
        broadcast=broadcast,
        names_account=True,
    )


def _acting(
    name: str,
    risk: Risk,
    summary: str,
    *arguments: Argument,
    role: Role = Role.TRADER,
    examples: tuple[str, ...] = (),
    confirm: Confirm = Confirm.NEVER,
    available: bool = True,
    broadcast: bool = True,
) -> Verb:
    return Verb(
        name,
        summary,
        Place.ENGINE,
        risk,
        role,
        arguments,
        examples,
        confirm,
        available,
        names_bot=True,
        broadcast=broadcast,
        names_account=True,
    )


_ROWS = (
    _acting("starttrading", Risk.RAISING, "Start trading"),
    _acting(
        "stoptrading",
        Risk.REDUCING,
        "Stop trading; open positions stay, watched and with their stops",
    ),
    _reading("getstatus", "Show what the bot does, holds and has switched off"),
    _reading("getstats", "Show trades, profit, win rate and drawdown", _SYMBOL),
    _acting(
        "buy",
        Risk.RAISING,
        "Buy now at the market, whatever the strategy says",
        _SYMBOL_OR_ALL,
        _AMOUNT,
        examples=("/buy BTC/USDT", "/buy BTC/USDT 0.01", "/buy BTC/USDT 0.01 @paper:second"),
        confirm=Confirm.ALWAYS,
        broadcast=False,
    ),
    _acting(
        "sell",
        Risk.REDUCING,
        "Sell what is held now at the market",
        _SYMBOL_OR_ALL,
        _AMOUNT,
        examples=("/sell BTC/USDT", "/sell ALL"),
        confirm=Confirm.FOR_ALL,
    ),
    _acting(
        "startbuying",
        Risk.RAISING,
        "Let strategies buy",
        _SYMBOL_OR_ALL,
        examples=("/startbuying BTC/USDT",),
        confirm=Confirm.IF_TRIPPED,
    ),
    _acting(
        "stopbuying",
        Risk.REDUCING,
        "Keep strategies from buying",
        _SYMBOL_OR_ALL,
        examples=("/stopbuying BTC/USDT",),
    ),
    # Switching sells on lets positions go, so it may wait for a bot that is away. Switching
    # them off keeps exposure that a strategy would have closed: too old, it must not run.
    _acting(
        "startselling",
        Risk.REDUCING,
        "Let strategies sell",
        _SYMBOL_OR_ALL,
        examples=("/startselling BTC/USDT",),
    ),
    _acting(
        "stopselling",
        Risk.RAISING,
        "Keep strategies from selling; protective stops stay armed",
        _SYMBOL_OR_ALL,
        examples=("/stopselling BTC/USDT",),
    ),
    _bridge("ping", "Ask whether the bridge is there"),
    _acting(
        "flatten",
        Risk.REDUCING,
        "Stop entries, cancel orders, close every position",
        confirm=Confirm.ALWAYS,
    ),
    _acting("pause", Risk.REDUCING, "Make no new entries until /resume"),
    _acting(
        "resume",
        Risk.RAISING,
        "End a pause, and reset the latch that /emergency set",
        confirm=Confirm.IF_LATCHED,
    ),
    _acting(
        "emergency", Risk.REDUCING, "Halt everything that raises risk until a person resets it"
    ),
    # By its answer: to look is reading, to close is reducing; what adopts or ignores a difference
    # ends what it has barred.
    _acting(
        "reconcile",
        Risk.RAISING,
        "Compare with the venues now, or answer a difference",
        Argument("number", Kind.COUNT, count_max=999_999),
        Argument("answer", Kind.CHOICE, follows=True, choices=("adopt", "close", "ignore")),
        examples=("/reconcile 3 adopt", "/reconcile 3", "/reconcile"),
        confirm=Confirm.FOR_BOOKINGS,
        broadcast=False,
    ),
    _reading("positions", "Show open positions with their stops", _SYMBOL),
    _reading("orders", "Show working and unclear orders", _SYMBOL),
    _reading(
        "trades",
        "Show the last closed trades",
        Argument("count", Kind.COUNT, count_max=200),
        _SYMBOL,
        examples=("/trades 20", "/trades 20 BTC/USDT"),
    ),
    _reading("profit", "Show profit and loss", _DAYS, examples=("/profit 30",)),
    _reading("daily", "Show profit and loss day by day", _DAYS, examples=("/daily 7",)),
    _reading("balance", "Show the balances of the accounts"),
    _reading(
        "chart",
        "Draw candles with entries, exits, stop and target",
        replace(_SYMBOL, asked=True),
        Argument(
            "timeframe", Kind.CHOICE, choices=("1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d")
        ),
        examples=("/chart BTC/USDT 1h",),
        broadcast=False,
    ),
    _reading("why", "Explain the last decisions", _SYMBOL, examples=("/why BTC/USDT",)),
    _reading("instances", "List strategy instances and their modes", available=False),
    _acting(
        "mode",
        Risk.RAISING,
        "Set the mode of a strategy instance",
        Argument("instance", Kind.WORD, required=True),
        Argument("mode", Kind.CHOICE, required=True, choices=("off", "observe", "active")),
        role=Role.ADMIN,
        examples=("/mode sma-btc observe",),
        available=False,
        broadcast=False,
    ),
    _bridge("bots", "List the bots and which one is selected"),
    _bridge(
        "use",
        "Select the bot that commands go to",
        Argument("bot", Kind.BOT),
        risk=Risk.SETTING,
        examples=("/use paper",),
    ),
    _bridge(
        "logs",
        "Show the last log lines of a bot",
        Argument("count", Kind.COUNT, count_max=500),
        _LEVEL,
        Argument("text", Kind.TEXT, repeatable=True),
        examples=("/logs 50", "/logs 20 warning", "/logs 20 error timed out"),
        names_bot=True,
    ),
    _bridge(
        "follow",
        "Show new log lines as they come",
        replace(_LEVEL, literals=("off",)),
        Argument("duration", Kind.DURATION),
        risk=Risk.SETTING,
        examples=("/follow", "/follow warning 10m", "/follow off"),
        names_bot=True,
    ),
    _bridge("health", "Show the state of bridge, links and bots"),
    _bridge("version", "Show the versions of bridge and bots"),
    _bridge(
        "mute",
        "Silence notifications for a while; critical ones still come",
        Argument("duration", Kind.DURATION, literals=("off",)),
        risk=Risk.SETTING,
        examples=("/mute 2h", "/mute off"),
    ),
    _bridge(
        "tz",
        "Set the time zone of times shown to you",
        Argument("zone", Kind.ZONE),
        risk=Risk.SETTING,
        examples=("/tz Europe/Berlin",),
    ),
    _bridge("start", "Greet and explain; never starts trading", Argument("code", Kind.WORD)),
)

ALIASES: Mapping[str, str] = MappingProxyType({"stop": "stoptrading"})


def _help(rows: Sequence[Verb]) -> Verb:
    names = (*(row.name for row in rows), "help")
    slashed = tuple((f"/{name}", name) for name in names)
    stands_for = (*ALIASES.items(), *((f"/{alias}", name) for alias, name in ALIASES.items()))
    command = Argument("command", Kind.CHOICE, choices=names, synonyms=slashed + stands_for)
    return _bridge("help", "List the commands or explain one", command, examples=("/help buy",))


# Trading, pause and latch are the whole bot's; for one of its accounts there is /stopbuying.
_OF_WHOLE_BOT = frozenset(
    {"starttrading", "stoptrading", "getstatus", "pause", "resume", "emergency"}
)


def _scoped(row: Verb) -> Verb:
    return replace(row, names_account=False) if row.name in _OF_WHOLE_BOT else row


VOCABULARY: Mapping[str, Verb] = MappingProxyType(
    {row.name: _scoped(row) for row in (_help(_ROWS), *_ROWS)}
)
# What a three-field peer understands; seed 003's /ping never reaches a bot.
LEGACY_VERBS = frozenset(
    {
        "starttrading",
        "stoptrading",
        "getstatus",
        "getstats",
        "buy",
        "sell",
        "startbuying",
        "stopbuying",
        "startselling",
        "stopselling",
    }
)
