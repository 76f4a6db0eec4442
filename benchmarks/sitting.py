"""A sitting: interleaved rounds, medians, ratios, and a check that the machine kept its speed.

Absolute times on a shared machine move by up to 2x; only medians of interleaved rounds and their
ratios are worth quoting.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

SPEED_DRIFT_MAX: Final = 1.25
_LOOP_STEPS: Final = 2_000_000

Sample = Mapping[str, float]


def pin(core: int) -> None:
    """Keep this process on one core, or on the last one if the machine has fewer."""
    # Not by the present affinity: a child inherits that of a pinned parent.
    os.sched_setaffinity(0, {min(core, (os.cpu_count() or 1) - 1)})


def unpin() -> None:
    """Let this process use every core again."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))


def speed_of_core() -> float:
    """Return steps per second of a fixed loop."""
    start = time.perf_counter()
    total = 0
    for step in range(_LOOP_STEPS):
        total += step
    return _LOOP_STEPS / (time.perf_counter() - start)


def run_rounds(
    contenders: Mapping[str, Callable[[], Sample]], rounds: int
) -> dict[str, dict[str, list[float]]]:
    """Run every contender once a round, in turn; return its figures by name and quantity."""
    figures: dict[str, dict[str, list[float]]] = {name: {} for name in contenders}
    before = speed_of_core()
    for number in range(1, rounds + 1):
        for name, run in contenders.items():
            print(f"\rround {number}/{rounds}: {name:<24}", end="", file=sys.stderr, flush=True)
            for quantity, value in run().items():
                figures[name].setdefault(quantity, []).append(value)
    print("\r" + " " * 50 + "\r", end="", file=sys.stderr)
    drift = max(before, after := speed_of_core()) / min(before, after)
    if drift > SPEED_DRIFT_MAX:
        print(f"warning: the core's speed moved by {drift:.2f}x, discard this sitting")
    return figures


def median(figures: Mapping[str, Mapping[str, list[float]]], name: str, quantity: str) -> float:
    """Return the median of a contender's quantity over the rounds."""
    return statistics.median(figures[name][quantity])


def print_table(
    title: str, figures: Mapping[str, Mapping[str, list[float]]], quantity: str, unit: str
) -> None:
    """Print min, median and max of one quantity for every contender that has it."""
    print(f"\n{title} ({unit}; min / median / max)")
    for name, values in figures.items():
        if samples := values.get(quantity):
            low, middle, high = min(samples), statistics.median(samples), max(samples)
            print(f"  {name:<34} {low:>12,.1f} / {middle:>12,.1f} / {high:>12,.1f}")


def print_goal(name: str, ratio: float, must: str, aim: str, unit: str = "x") -> None:
    """Print a ratio, or what has another unit, beside its goal, e.g. "<= 3.3" and "<= 2.5"."""
    verdict = "aim reached" if _holds(ratio, aim) else "must holds"
    if not _holds(ratio, must):
        verdict = "MISSED"
    print(f"  {name:<58} {ratio:>8.2f}{unit}  must {must:<8} aim {aim:<8} {verdict}")


def _holds(ratio: float, bound: str) -> bool:
    sign, _, value = bound.partition(" ")
    return ratio <= float(value) if sign == "<=" else ratio >= float(value)
