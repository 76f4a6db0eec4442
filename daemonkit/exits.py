"""How a process ends: exit codes, and the wrapper that turns any error into one last line.

The only place that writes the `error: …` line.
"""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from daemonkit.errors import ConfigurationError, DaemonError, ExitCode
from daemonkit.logs import flush_logs, install_exception_hooks
from daemonkit.printable import one_line
from daemonkit.secrets import redact
from daemonkit.standard_error import write_standard_error

__all__ = ["ExitCode", "run_main", "write_error_line"]

log = logging.getLogger(__name__)


def run_main(body: Callable[[], int]) -> int:
    """Run the body and return the exit code; an error becomes the last line of standard error."""
    install_exception_hooks()
    try:
        return _finish(body())
    except SystemExit as stop:
        return _code_of(stop)
    except KeyboardInterrupt:
        return ExitCode.OK
    except BrokenPipeError:
        # Mostly `… | head`: the reader of our output has seen enough.
        log.debug("what led to the end of the process", exc_info=True)
        return _fail("a pipe was closed by its reader", ExitCode.FAILURE)
    except ConfigurationError as error:
        for other in error.others:
            _tell(other)
        return _fail(str(error), error.exit_code)
    except DaemonError as error:
        log.debug("what led to the end of the process", exc_info=True)
        return _fail(str(error), error.exit_code)
    except Exception as error:
        log.critical("the process ends on an unexpected error", exc_info=True)
        return _fail(_summary(error), ExitCode.FAILURE)


def _finish(code: int) -> int:
    if sys.stdout is not None:
        # Output that cannot be delivered is a failure with a line of its own.
        sys.stdout.flush()
    return code


def _code_of(stop: SystemExit) -> int:
    if stop.code is None:
        return ExitCode.OK
    if isinstance(stop.code, int):
        return stop.code
    return _fail(str(stop.code), ExitCode.FAILURE)


def _summary(error: Exception) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


def _tell(text: str) -> None:
    if logging.getLogger().handlers:
        log.error("%s", text)
    else:
        write_error_line(text)


def _fail(text: str, code: ExitCode) -> ExitCode:
    if logging.getLogger().handlers:
        log.error("%s", text)
    flush_logs()
    _settle_output()
    write_error_line(text)
    return code


def write_error_line(text: str) -> None:
    """Write one redacted, visible `error: …` line on standard error, if there is one."""
    line = one_line(redact(text)).removeprefix("error: ")
    # Where standard error takes nothing, the exit code has to do.
    write_standard_error(f"error: {line}\n")


def _settle_output() -> None:
    """Deliver or drop what was printed: at exit the interpreter would complain and exit 120."""
    try:
        sys.stdout.flush()
    except AttributeError:
        return
    except (OSError, ValueError):
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
