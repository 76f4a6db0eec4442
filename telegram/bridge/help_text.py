"""The text of /help, from the command vocabulary: what works now, and what comes later."""

from collections.abc import Mapping, Sequence

from tcpproto.vocabulary import ALIASES, VOCABULARY, Risk, Role, Verb

_GROUPS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("Stop", ("stoptrading", "pause", "flatten", "emergency", "stopbuying")),
    (
        "Look",
        (
            *("getstatus", "getstats", "positions", "orders", "trades", "profit", "daily"),
            *("balance", "chart", "why", "instances"),
        ),
    ),
    (
        "Trade",
        (
            "starttrading",
            "buy",
            "sell",
            "startbuying",
            "startselling",
            "stopselling",
            "resume",
            "reconcile",
        ),
    ),
    ("Bots", ("bots", "use", "mode")),
    ("Logs", ("logs", "follow", "mute")),
    ("Bridge", ("ping", "health", "version", "tz", "help", "start")),
)

_GREETING = (
    "Welcome. This chat commands your trading bots.\n"
    "/bots lists them, /getstatus shows one, /help lists all commands.\n"
)
_GREETING_BY_ROLE = {
    Role.VIEWER: "You may look at everything and change nothing.",
    Role.TRADER: "You may trade: /buy, /sell and the rest; /stop and /flatten in a hurry.",
    Role.ADMIN: "You may do everything; /stop and /flatten in a hurry.",
}


def greeting(role: Role) -> str:
    """Greet somebody, and say what they may do."""
    return f"{_GREETING}{_GREETING_BY_ROLE[role]}\n/start never trades; /starttrading does."


def overview(vocabulary: Mapping[str, Verb] = VOCABULARY) -> str:
    """List the commands by groups: those that work, then those that come later."""
    lines: list[str] = []
    for title, rows in _grouped(vocabulary):
        working = [row for row in rows if row.available]
        if working:
            lines += [title, *(f"  /{row.name} — {row.summary}" for row in working)]
    later = [f"/{row.name}" for row in vocabulary.values() if not row.available]
    if later:
        lines += ["Not available in this version", *_wrapped(later)]
    lines.append("/help COMMAND explains one.")
    return "\n".join(lines)


def explanation(row: Verb) -> str:
    """Explain one command."""
    lines = [row.usage, f"  {row.summary}."]
    lines += [f"  Example: {example}" for example in row.examples]
    lines += [f"  Also: /{alias}" for alias, name in ALIASES.items() if name == row.name]
    if row.names_bot:
        all_bots = " or @all" if row.broadcast else ""
        account = " or @BOT:ACCOUNT" if row.names_account else ""
        lines.append(f"  For one bot: end with @BOT{account}{all_bots}.")
    if row.risk is Risk.REDUCING:
        lines.append("  Waits up to 24 h for a bot that is away.")
    lines.append(f"  Role: {row.role}.")
    if not row.available:
        lines.append("  Not available in this version.")
    return "\n".join(lines)


def _grouped(vocabulary: Mapping[str, Verb]) -> list[tuple[str, list[Verb]]]:
    groups = [
        (title, [vocabulary[name] for name in names if name in vocabulary])
        for title, names in _GROUPS
    ]
    placed = {name for _, names in _GROUPS for name in names}
    return [*groups, ("More", [row for row in vocabulary.values() if row.name not in placed])]


def _wrapped(words: Sequence[str], columns: int = 34) -> list[str]:
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) + 1 > columns:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else f"  {word}"
    return lines
