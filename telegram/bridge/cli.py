"""From the command line to an exit code."""

import os
from collections.abc import Sequence

from daemonkit.clock import SystemClock
from daemonkit.exits import ExitCode, run_main, write_error_line
from telegram.bridge.app import run_bridge
from telegram.bridge.config import load_config
from telegram.bridge.control import Control
from telegram.bridge.maintenance import back_up, restore
from telegram.bridge.options import Options, UsageError, parse_options


def run_command(arguments: Sequence[str], control: Control) -> int:
    """Do what the command line asks for and return the exit code."""
    return run_main(lambda: _run(arguments, control))


def _run(arguments: Sequence[str], control: Control) -> int:
    try:
        options = parse_options(arguments)
    except UsageError as error:
        write_error_line(str(error))
        return ExitCode.USAGE
    if options.action == "setup":
        # Loaded only here: backup, restore and the console need nothing of it.
        from telegram.bridge.setup.run import run_setup  # noqa: PLC0415

        is_stopped = control.stop_asked.is_set
        run_setup(options.config, os.environ, SystemClock(), is_stopped=is_stopped)
    elif options.action:
        _maintain(options)
    else:
        run_bridge(options, os.environ, control, SystemClock())
    return ExitCode.OK


def _maintain(options: Options) -> None:
    config = load_config(options.config, os.environ)
    assert options.file is not None, "the parser asks for a file"
    if options.action == "backup":
        back_up(config, options.file.absolute())
    else:
        restore(config, options.file.absolute())
