"""How real processes end: exit code, last line, and nothing after it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemonkit_tests.programs import run_program
from tests.processes import ROOT

PROLOGUE = """
import logging, sys
from pathlib import Path
from daemonkit.errors import ConfigurationError, StateError, UnavailableError
from daemonkit.exits import run_main
from daemonkit.logs import setup_logging
from daemonkit.secrets import Secret
"""


def program(body: str, before: str = "") -> str:
    indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"{PROLOGUE}\n{before}\ndef body():\n{indented}\nsys.exit(run_main(body))\n"


@pytest.mark.parametrize(
    ("body", "code", "last_line"),
    [
        ("return 0", 0, ""),
        ("return 2", 2, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(2)", 2, ""),
        ("sys.exit('went wrong')", 1, "error: went wrong"),
        ("raise KeyboardInterrupt", 0, ""),
        ("raise ConfigurationError('c.yaml', 'mode', \"'x'\", 'spot')", 78,
         "error: c.yaml: mode: found 'x', allowed spot"),
        ("raise StateError('state.db: found a damaged database')", 78,
         "error: state.db: found a damaged database"),
        ("raise UnavailableError('port 55110: in use')", 1, "error: port 55110: in use"),
        ("raise ValueError('two\\nlines \\x1b[31m')", 1, "error: ValueError: two lines \\x1b[31m"),
        ("raise ValueError", 1, "error: ValueError"),
    ],
)  # fmt: skip
def test_the_end_of_a_process_is_its_code_and_one_last_line(
    body: str, code: int, last_line: str
) -> None:
    done = run_program(program(body))
    assert done.returncode == code, done.stderr
    assert (done.stderr.splitlines() or [""])[-1] == last_line
    assert done.stdout == ""


def test_the_last_line_comes_after_everything_in_the_log(tmp_path: Path) -> None:
    body = """
setup_logging(level="DEBUG", file=Path(sys.argv[1]))
for number in range(2000):
    logging.info("line %d", number)
raise StateError("cannot go on")
"""
    done = run_program(program(body), str(tmp_path / "logs" / "x.log"))
    assert done.returncode == 78
    assert done.stderr.splitlines()[-1] == "error: cannot go on"
    assert "line 1999" in done.stderr
    log = (tmp_path / "logs" / "x.log").read_text()
    assert "line 1999" in log
    assert log.splitlines()[-1].endswith("cannot go on")


def test_an_unexpected_error_is_one_line_and_its_traceback_is_in_the_log(tmp_path: Path) -> None:
    body = """
setup_logging(level="INFO", file=Path(sys.argv[1]), stderr=False)
secret = Secret("hunter2hunter2")
{}[secret.reveal()]
"""
    done = run_program(program(body), str(tmp_path / "x.log"))
    assert done.returncode == 1
    assert done.stderr == "error: KeyError: '[secret]'\n"
    log = (tmp_path / "x.log").read_text()
    assert "\n    Traceback (most recent call last):\n" in log
    assert "hunter2" not in log.replace('Secret("[secret]")', "")


def test_several_mistakes_are_all_told_and_the_first_is_the_last_line() -> None:
    body = """
error = ConfigurationError("c.yaml", "a", "1", "2")
error.others = ["c.yaml: b: found 3, allowed 4"]
raise error
"""
    done = run_program(program(body))
    assert done.stderr.splitlines() == [
        "error: c.yaml: b: found 3, allowed 4",
        "error: c.yaml: a: found 1, allowed 2",
    ]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_stream_changes_nothing_but_what_is_seen(stream: str) -> None:
    number = {"stdout": 1, "stderr": 2}[stream]
    source = program("raise StateError('no')", before=f"import os; os.close({number})")
    done = run_program(source)
    assert done.returncode == 78
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_output_that_its_reader_no_longer_wants_is_a_failure_in_one_line() -> None:
    body = "print('x' * 1_000_000)\nreturn 0"
    before = "import os\nreader, writer = os.pipe()\nos.dup2(writer, 1)\nos.close(reader)"
    done = run_program(program(body, before))
    assert done.returncode == 1
    assert done.stderr == "error: a pipe was closed by its reader\n"


def test_output_that_finds_no_room_is_a_failure_in_one_line(small_filesystem: Path) -> None:
    body = f"print('x' * {4 * 1024 * 1024})\nreturn 0"
    before = "import os\nos.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 1)"
    done = run_program(program(body, before), str(small_filesystem / "out"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: OSError: [Errno 28] No space left on device"
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    "body", ["raise StateError('no')", "Notifier({}, SystemClock()).announce_ready(); return 78"]
)
def test_a_standard_error_that_nobody_reads_holds_up_neither_start_nor_end(body: str) -> None:
    imports = "from daemonkit.notify import Notifier\nfrom daemonkit.clock import SystemClock"
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program(body, imports)],
            cwd=ROOT,
            stderr=writer,
            timeout=20,
            check=False,
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert done.returncode == 78
