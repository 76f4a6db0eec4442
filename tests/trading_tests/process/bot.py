"""Starts real trading processes of one bot and looks at what they leave behind."""

import json
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from tcpproto import Event
from tests.processes import Processes, RunningProcess
from tests.trading_tests.store.rig import OWNER, events_in
from trading.store.database import open_state_database

LAUNCH = "from trading.main import main; main()"


class Bot:
    """One bot's folder, configuration and processes."""

    def __init__(self, processes: Processes, folder: Path) -> None:
        self._processes = processes
        self.bot_dir = folder / "paper"
        self.bot_dir.mkdir()
        self.configure()

    def configure(self, text: str = "") -> None:
        """Write the configuration; the link leads nowhere."""
        (self.bot_dir / "config.yaml").write_text(f"exchange: paper\n{text}", encoding="utf-8")

    @property
    def folder(self) -> Path:
        return self._processes.var_dir / "paper"

    def launch(self, *arguments: str, **env: str | None) -> RunningProcess:
        """Start the bot as the run script does."""
        return self._processes.start(
            sys.executable, "-c", LAUNCH, self.bot_dir, *arguments, env=env
        )

    def start(self, *arguments: str, **env: str | None) -> RunningProcess:
        """Start the bot and wait until it is ready."""
        process = self.launch(*arguments, **env)
        process.wait_for("^ready$")
        return process

    def command(self, *arguments: str | Path, **env: str | None) -> RunningProcess:
        """Run `python -m trading` to its end."""
        return self._processes.run(sys.executable, "-m", "trading", *arguments, env=env)

    def saved(self) -> tuple[dict[str, str], list[Event]]:
        """Return the values and waiting events that a stopped bot has left."""
        database = open_state_database(
            self.folder / "state.db", OWNER, epoch=str(uuid4()), restore_hint=""
        )
        try:
            return dict(database.load_saved()), events_in(database)
        finally:
            database.close()


def json_of(process: RunningProcess) -> dict[str, Any]:
    """Return the one line of JSON that a command printed."""
    (line,) = process.stdout.splitlines()
    result: dict[str, Any] = json.loads(line)
    return result


def last_error(process: RunningProcess) -> str:
    """Return the last line on standard error."""
    return process.stderr.splitlines()[-1]
