"""The person who runs the setup: what they are told and asked, on the standard streams."""

import os
import sys
from getpass import getpass
from typing import Protocol

from daemonkit.printable import printable
from daemonkit.secrets import redact


class Person(Protocol):
    """Tell and ask somebody."""

    def tell(self, text: str) -> None:
        """Show some lines."""
        ...

    def ask(self, prompt: str) -> str:
        """Ask for a line; nothing at the end of input."""
        ...

    def ask_secret(self, prompt: str) -> str:
        """Ask for a line that is not shown while it is typed; nothing at the end of input."""
        ...


class StandardPerson:
    """Talk over standard input and output; input may be a pipe."""

    def tell(self, text: str) -> None:
        """Show some lines."""
        sys.stdout.write(printable(redact(text)) + "\n")
        sys.stdout.flush()

    def ask(self, prompt: str) -> str:
        """Ask for a line; nothing at the end of input."""
        sys.stdout.write(f"{prompt} ")
        sys.stdout.flush()
        return sys.stdin.readline().strip()

    def ask_secret(self, prompt: str) -> str:
        """Ask for a line that is not shown while it is typed."""
        if not os.isatty(0):
            return self.ask(prompt)
        try:
            return getpass(f"{prompt} ").strip()
        except EOFError:
            self.tell("")
            return ""


def says_yes(person: Person, question: str) -> bool:
    """Ask for a yes; anything else is a no."""
    return person.ask(f"{question} [y/N]").lower() in ("y", "yes")
