"""The benchmark of the order's way runs: with a real bot, and a bare script of ccxt beside it."""

import re
import sys

import pytest

from tests.processes import Processes

COLUMNS = r" +[\d,]+\.\d{3} / +[\d,]+\.\d{3} / +[\d,]+\.\d{3}"


@pytest.mark.long
@pytest.mark.timeout(150)
def test_the_benchmark_of_the_order_tells_each_hop_of_it(processes: Processes) -> None:
    done = processes.run(
        *(sys.executable, "-m", "benchmarks.order_path", "--rounds", "1", "--orders", "3"),
        timeout_s=120,
    )
    assert done.returncode == 0, done.describe()
    for title in ("plain ccxt", "at rest", "polling, two keys", "polling, one key"):
        assert f"\n{title} (ms; p10 / p50 / p95, medians of the rounds)\n" in done.stdout
    assert len(re.findall(rf"^  inbox to decided{COLUMNS}$", done.stdout, re.MULTILINE)) == 3
    assert len(re.findall(rf"^  whole{COLUMNS}$", done.stdout, re.MULTILINE)) == 4
    assert len(re.findall(r"^  O\d own share .*, p50", done.stdout, re.MULTILINE)) == 3
