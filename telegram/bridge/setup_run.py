"""Runs the setup as a program: token, conversation, files, and what to do next."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path
from random import SystemRandom

from daemonkit.clock import Clock
from daemonkit.credentials import read_credential
from daemonkit.secrets import Secret
from telegram.bridge.access import BOT_FATHER_STEPS, TOKEN_NAME, check_token
from telegram.bridge.bot import PtbMessenger
from telegram.bridge.bot_settings import BotSettings
from telegram.bridge.config import BridgeConfig, load_config
from telegram.bridge.setup import Findings, Setup
from telegram.bridge.setup_files import TOKEN_FILE, config_path, save_config, save_token
from telegram.bridge.setup_person import Person, StandardPerson, says_yes

_START = "./run_telegram.sh"


def run_setup(
    file: Path | None, environ: Mapping[str, str], clock: Clock, person: Person | None = None
) -> None:
    """Ask, find and write; DaemonError when it cannot be done."""
    person = person or StandardPerson()
    # Nothing is running that has to end in order.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    config = load_config(file if file is not None and file.exists() else None, environ)
    path = file or config_path(config)
    given = read_credential(TOKEN_FILE, env_names=(TOKEN_NAME,), environ=environ)
    token = check_token(given or _ask_token(person))
    settings = config.settings.telegram.bot_settings(token)
    findings = asyncio.run(_talk(settings, person, clock))
    kept = save_config(path, findings.user_id, findings.chats)
    person.tell(f"Written: {path}" + (f" (before: {kept})" if kept else ""))
    command = _START if file is None else f"{_START} --config {path}"
    if given is None:
        command = _keep_token(config, token, person) + command
    person.tell(f"Start the bridge: {command}")


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


def _keep_token(config: BridgeConfig, token: Secret, person: Person) -> str:
    """Write the token down if that is wanted; return what stands before the command to start."""
    if says_yes(person, "Keep the token in a file that only this user can read?"):
        return f"CREDENTIALS_DIRECTORY={save_token(config, token)} "
    person.tell("Under systemd the token is a credential, see docs/operations.md.")
    return f"{TOKEN_NAME}=… "
