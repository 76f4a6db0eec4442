"""Runs the setup as a program: token, conversation, files, and what to do next."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from shlex import quote
from types import FrameType

from daemonkit.clock import Clock
from daemonkit.credentials import read_credential
from daemonkit.errors import UnavailableError
from daemonkit.secrets import Secret
from telegram.bridge.access import BOT_FATHER_STEPS, TOKEN_NAME, check_token
from telegram.bridge.bot import PtbMessenger
from telegram.bridge.bot_api.settings import BotSettings
from telegram.bridge.config import ROOT, load_config
from telegram.bridge.setup.conversation import Findings, Setup
from telegram.bridge.setup.files import (
    TOKEN_FILE,
    Draft,
    check_place,
    config_path,
    draft_config,
    save_token,
)
from telegram.bridge.setup.person import Person, StandardPerson, says_yes

_START = "./run_telegram.sh"


def run_setup(
    file: Path | None,
    environ: Mapping[str, str],
    clock: Clock,
    person: Person | None = None,
    *,
    root: Path = ROOT,
    is_stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Ask, find and write; DaemonError when it cannot be done or a person stops it."""
    person = person or StandardPerson()
    try:
        with _stoppable():
            if is_stopped():
                # It came while all this was loaded.
                _interrupt(signal.SIGINT, None)
            _run(file, environ, clock, person, root)
    except KeyboardInterrupt:
        # Whatever it was asked at the moment: what comes next begins a line of its own.
        person.tell("")
        raise UnavailableError("stopped before the end; nothing was written") from None


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let signals end it at once: nothing is running that has to end in order.

    A handler of its own keeps asyncio from installing one, which would only note the first Ctrl-C
    while a question waits for its answer.
    """
    stops = dict.fromkeys((signal.SIGINT, signal.SIGTERM), _interrupt)
    old = {number: signal.signal(number, stop) for number, stop in stops.items()}
    old[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(
    file: Path | None, environ: Mapping[str, str], clock: Clock, person: Person, root: Path
) -> None:
    named = file if file is not None and file.exists() else None
    config = load_config(named, environ, root=root)
    path = file or config_path(config, root)
    check_place(path)
    given = read_credential(TOKEN_FILE, env_names=(TOKEN_NAME,), environ=environ)
    token = check_token(given or _ask_token(person))
    settings = config.settings.telegram.bot_settings(token)
    findings = asyncio.run(_talk(settings, person, clock))
    draft = draft_config(path, findings.user_id, findings.chats)
    is_wanted = draft.is_new and (draft.old is None or says_yes(person, _may_add(draft)))
    is_kept = given is None and says_yes(
        person, "Keep the token in a file that only this user can read?"
    )
    # All is known now: the files are written as one.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    person.tell(_save(draft) if is_wanted else _why_unchanged(draft))
    command = _START if file is None else f"{_START} --config {quote(str(path))}"
    if is_kept:
        command = f"CREDENTIALS_DIRECTORY={quote(str(save_token(config, token)))} {command}"
    elif given is None:
        person.tell("Under systemd the token is a credential, see docs/operations.md.")
        command = f"{TOKEN_NAME}=… {command}"
    person.tell(f"Start the bridge: {command}")


def _may_add(draft: Draft) -> str:
    return (
        f"{draft.path} is there already. Add this to it?\n{draft.section}"
        "All else that it says stays, but for its comments; a copy is kept beside it."
    )


def _save(draft: Draft) -> str:
    kept = draft.save()
    return f"Written: {draft.path}" + (f" (before: {kept})" if kept else "")


def _why_unchanged(draft: Draft) -> str:
    if not draft.is_new:
        return f"{draft.path} says all of this already."
    return (
        f"{draft.path} stays as it is. What it needs, for you to write:\n{draft.section.rstrip()}"
    )


def _ask_token(person: Person) -> Secret | None:
    person.tell("\n".join(BOT_FATHER_STEPS.splitlines()[:4]))
    token = person.ask_secret("The token (it is not shown):")
    return Secret(token) if token else None


async def _talk(settings: BotSettings, person: Person, clock: Clock) -> Findings:
    line = PtbMessenger(settings, clock)
    try:
        return await Setup(line, person, clock, SystemRandom()).run()
    finally:
        await line.close()
