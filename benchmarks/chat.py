"""Measure a command from the phone: `python -m benchmarks.chat`.

From the moment the Bot API has an update until the outcome is in a message, by hop, beside a
plain bot of the library that answers at once. All on loopback; the phone and its Bot API run in
the process that measures. Nothing is asserted but that every command is answered once.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.chat_programs import Hops, run_ours, run_plain
from benchmarks.sitting import median, print_goal, run_rounds

PLAIN, OURS = "plain bot", "bridge and bot"
# Of the bridge alone; read from the engine; changed in the engine, and so committed there.
LINES: Final = ("/ping", "/getstatus", "/startbuying BTC/USDT")
# The first is what is left of it on a machine that does other things as well.
PERCENTS: Final = (10, 50, 95)
PLAIN_PING: Final = f"{PLAIN}, /ping"

Figures = Mapping[str, Mapping[str, list[float]]]


def _percentiles(what: str, asked: Sequence[Hops]) -> dict[str, float]:
    """Return percentiles of each hop of one command, under names that tell them apart."""
    figures = {}
    for hop in asked[0]:
        values = sorted(one[hop] for one in asked)
        for percent in PERCENTS:
            # Rounded down: the 50th of two is the lower one.
            figures[f"{what}|{hop}|{percent}"] = values[(len(values) - 1) * percent // 100]
    return figures


def _measure_plain(count: int, rng: Random) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        return _percentiles(PLAIN_PING, run_plain(Path(folder), count, rng))


def _measure_ours(count: int, rng: Random) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        by_verb = run_ours(Path(folder) / "both", LINES, count, rng)
    figures: dict[str, float] = {}
    for verb, asked in by_verb.items():
        figures |= _percentiles(verb, asked)
    return figures


def _print_hops(figures: Figures, name: str, what: str) -> None:
    """Print the medians over the rounds of each hop, in its order on the way."""
    print(f"\n{what} (ms; p10 / p50 / p95, medians of the rounds)")
    hops = [quantity.split("|")[1] for quantity in figures[name] if quantity.startswith(f"{what}|")]
    for hop in dict.fromkeys(hops):
        values = [median(figures, name, f"{what}|{hop}|{percent}") for percent in PERCENTS]
        print(f"  {hop:<34} {values[0]:>12,.2f} / {values[1]:>12,.2f} / {values[2]:>12,.2f}")


def _print_goals(figures: Figures) -> None:
    print()
    plain = median(figures, PLAIN, f"{PLAIN_PING}|whole|50")
    for number, line in enumerate(LINES, 1):
        verb = line.split(maxsplit=1)[0]
        ours = median(figures, OURS, f"{verb}|ours|50")
        whole = median(figures, OURS, f"{verb}|whole|50")
        print_goal(f"C{number} {verb}: ours, p50", ours, "<= 5", "<= 3", " ms")
        print_goal(f"C{number} {verb}: whole, p50", whole, "<= 15", "<= 10", " ms")
        print(f"  C{number} {verb}: whole to the plain bot's {whole / plain:>32.2f}x")


def main() -> None:
    """Run the sitting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commands", type=int, default=40, help="of each kind, each round")
    arguments = parser.parse_args()
    # The rests between commands differ from round to round, and are the same in each sitting.
    rng = Random(1)
    figures = run_rounds(
        {
            PLAIN: lambda: _measure_plain(arguments.commands, rng),
            OURS: lambda: _measure_ours(arguments.commands, rng),
        },
        arguments.rounds,
    )
    _print_hops(figures, PLAIN, PLAIN_PING)
    for line in LINES:
        _print_hops(figures, OURS, line.split(maxsplit=1)[0])
    _print_goals(figures)


if __name__ == "__main__":
    main()
