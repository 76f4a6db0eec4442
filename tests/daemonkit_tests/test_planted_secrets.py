"""At DEBUG, through every handler and hook, no planted secret leaves the process."""

import json
from pathlib import Path

import pytest

from tests.daemonkit_tests.programs import run_program

TOKEN = "987654321:AAplantedTokenThatMustNeverBeSeen0123"
SECRETS = {
    "token": TOKEN,
    "password": "p4ssw0rd with spaces & 'quotes' \"both\" \\ back",
    "key": "k3y-äöü-\u202e-unicode",
    "pem": "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCq\n-----END PRIVATE KEY-----",
}
TRACES = ("plantedToken", "p4ssw0rd", "k3y-", "MIGHAgEAMBMG")

PROGRAM = r"""
import asyncio, json, logging, sys, threading, traceback, urllib.parse, warnings
from pathlib import Path
from daemonkit.exits import run_main
from daemonkit.logs import log_asyncio_exception, setup_logging
from daemonkit.secrets import Secret

secrets = [Secret(value) for value in json.loads(sys.stdin.read()).values()]

class Fragile:
    def __init__(self, text): self.text = text
    def __del__(self): raise ValueError(self.text)

class Rude:
    def __str__(self): raise RuntimeError(secrets[0].reveal())

def thread_body(text): raise OSError(text)

async def loop_body(text):
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    if len(sys.argv) > 2: loop.set_exception_handler(log_asyncio_exception)
    def fail(value): raise ValueError(value)
    loop.call_soon(fail, text)
    await asyncio.sleep(0)

def body():
    if len(sys.argv) > 1: setup_logging(level="DEBUG", file=Path(sys.argv[1]))
    log = logging.getLogger("httpx")
    log.setLevel(logging.DEBUG)
    for secret in secrets:
        text = secret.reveal()
        log.info("POST https://api/bot%s/getMe", text)
        log.debug("%r %s %s", text, [text], {"key": text})
        log.debug(json.dumps({"key": text}))
        log.debug(urllib.parse.quote(text))
        log.debug("object %s %r", secret, [secret])
        log.debug("wrong %d", text)
        log.debug("%s %s", text)
        log.debug("%s %s", text, Rude())
        log.debug(text, stack_info=True)
        logging.getLogger(text).warning("as the name of a logger")
        try: int(text)
        except ValueError: log.exception("while %s", text)
        warnings.warn(text)
        Fragile(text)
        thread = threading.Thread(target=thread_body, args=(text,), name=text)
        thread.start(); thread.join()
        asyncio.run(loop_body(text))
    raise LookupError(f"the end: {secrets[0].reveal()} {[each.reveal() for each in secrets]}")

sys.exit(run_main(body))
"""


@pytest.mark.parametrize("mode", ["configured", "with the asyncio handler", "before configuration"])
def test_no_planted_secret_leaves_the_process(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "x.log"
    arguments = {
        "configured": [str(file)],
        "with the asyncio handler": [str(file), "handler"],
        "before configuration": [],
    }[mode]
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    source = f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')"
    done = run_program(source, *arguments, stdin=json.dumps(SECRETS))
    everything = done.stdout + done.stderr + (file.read_text() if file.exists() else "")
    assert done.returncode == 1, done.stderr
    found = [trace for trace in TRACES if trace in everything]
    assert not found, [line for line in everything.splitlines() if found[0] in line]
    assert "Exception ignored" not in done.stderr
    assert "--- Logging error ---" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: LookupError: the end: [secret]")
    if file.exists():
        assert "ended on an uncaught exception" in everything
        assert "while formatting" in everything
