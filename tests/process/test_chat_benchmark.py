"""The benchmark of the chat runs: with both real programs, and a plain bot beside them."""

import re
import sys

import pytest

from tests.processes import Processes

COLUMNS = r" +[\d,]+\.\d\d / +[\d,]+\.\d\d / +[\d,]+\.\d\d"


@pytest.mark.long
def test_the_benchmark_of_the_chat_tells_each_hop_of_a_command(processes: Processes) -> None:
    done = processes.run(
        *(sys.executable, "-m", "benchmarks.chat", "--rounds", "1", "--commands", "2"),
        timeout_s=50,
    )
    assert done.returncode == 0, done.describe()
    for title in ("plain bot, /ping", "/ping", "/getstatus", "/startbuying"):
        assert f"\n{title} (ms; p10 / p50 / p95, medians of the rounds)\n" in done.stdout
    assert len(re.findall(rf"^  done, answered{COLUMNS}$", done.stdout, re.MULTILINE)) == 2
    assert len(re.findall(rf"^  whole{COLUMNS}$", done.stdout, re.MULTILINE)) == 4
    assert len(re.findall(r"^  C\d /\w+: ours, p50", done.stdout, re.MULTILINE)) == 3
