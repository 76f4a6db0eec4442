"""Measure the way of a real order: `python -m benchmarks.order_path`.

From a tick in the engine's inbox to the first byte of the request, the commit to the disk
included, by hop: with the account at rest, with polling by a second key, and with polling by the
one key there is. Beside it plain ccxt, the same order from a bare script, and what a commit costs
on the same disk. Our own share is what is left when plain ccxt's time from its call to that byte
is taken away.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.order_programs import Hops, run_bot, run_plain
from benchmarks.sitting import median, print_goal, print_table, run_rounds
from benchmarks.tick_path import run_bare

PLAIN: Final = "plain ccxt"
BARE: Final = "a bare commit"
REST, POLLED, ONE_KEY = "at rest", "polling, two keys", "polling, one key"
QUIETLY: Final = {"poll_s": 60, "requests_per_s": 60}
BUSILY: Final = {"poll_s": 0.02, "requests_per_s": 60}
PERCENTS: Final = (10, 50, 95)

Figures = Mapping[str, Mapping[str, list[float]]]


def _percentiles(orders: Sequence[Hops]) -> dict[str, float]:
    figures = {}
    for hop in orders[0]:
        values = sorted(one[hop] for one in orders)
        for percent in PERCENTS:
            # Rounded down: the 50th of two is the lower one.
            figures[f"{hop}|{percent}"] = values[(len(values) - 1) * percent // 100]
    return figures


def _measure(run: Callable[[Path], list[Hops]], place: Path | None) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        return _percentiles(run(Path(folder) / "both"))


def _print_hops(figures: Figures, name: str) -> None:
    """Print the medians over the rounds of each hop, in its order on the way."""
    print(f"\n{name} (ms; p10 / p50 / p95, medians of the rounds)")
    for hop in dict.fromkeys(quantity.split("|")[0] for quantity in figures[name]):
        values = [median(figures, name, f"{hop}|{percent}") for percent in PERCENTS]
        print(f"  {hop:<34} {values[0]:>12,.3f} / {values[1]:>12,.3f} / {values[2]:>12,.3f}")


def _print_goals(figures: Figures) -> None:
    print()
    plain = median(figures, PLAIN, "whole|50")
    rest = median(figures, REST, "whole|50")
    print_goal("O1 own share at rest, p50", rest - plain, "<= 1", "<= 1", " ms")
    polled = median(figures, POLLED, "whole|50")
    print_goal("O2 own share with polling, two keys, p50", polled - plain, "<= 1", "<= 1", " ms")
    alone = median(figures, ONE_KEY, "whole|50")
    print_goal("O3 own share with polling, one key, p50", alone - plain, "<= 5", "<= 2", " ms")


def _contenders(count: int, rng: Random, place: Path | None) -> dict[str, Callable[[], Any]]:
    def bot(live: Mapping[str, Any], has_read_key: bool) -> Callable[[], dict[str, float]]:
        return lambda: _measure(
            lambda folder: run_bot(folder, count, rng, live, has_read_key=has_read_key), place
        )

    return {
        BARE: lambda: {"commit": run_bare(place)["whole"] / 1e3},
        PLAIN: lambda: _measure(lambda folder: run_plain(folder, count, rng), place),
        REST: bot(QUIETLY, True),
        POLLED: bot(BUSILY, True),
        ONE_KEY: bot(BUSILY, False),
    }


def main() -> None:
    """Run the sitting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--orders", type=int, default=40, help="of each kind, each round")
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured")
    arguments = parser.parse_args()
    # The rests between orders differ from round to round, and are the same in each sitting.
    rng = Random(1)
    figures = run_rounds(
        _contenders(arguments.orders, rng, arguments.folder),
        arguments.rounds,
    )
    print_table("The disk", figures, "commit", "ms")
    for name in (PLAIN, REST, POLLED, ONE_KEY):
        _print_hops(figures, name)
    _print_goals(figures)


if __name__ == "__main__":
    main()
