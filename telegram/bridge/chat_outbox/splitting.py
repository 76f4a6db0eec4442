"""Cuts texts into messages: at lines where it can, by UTF-16 units, which is how Telegram counts.

Joined again, the pieces are the text, and those of HTML show the same with every tag closed.
"""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Final

UNITS_MAX: Final = 4_096
UNITS_BUDGET: Final = 3_500
ENTITIES_MAX: Final = 100
CAPTION_UNITS_MAX: Final = 1_024

_TOKEN: Final = re.compile(
    r"<(?P<closing>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*)(?P<attributes>(?:\s[^<>]*)?)>"
    r"|(?P<reference>&(?:#x[0-9a-fA-F]+|#[0-9]+|lt|gt|amp|quot);?)"
    r"|(?P<text>[^<&\n]*\n|[^<&\n]+)"
    r"|(?P<ampersand>&)"
    r"|(?P<stray><)"
)
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)(?:\s[^<>]*)?>")
_REFERENCE: Final = re.compile(r"&(?:#x[0-9a-fA-F]+|#[0-9]+|lt|gt|amp|quot);?")


def utf16_len(text: str) -> int:
    """Count UTF-16 code units."""
    if text.isascii():
        return len(text)
    return len(text) + sum(character > "\uffff" for character in text)


def head(text: str, units: int) -> str:
    """Return as much of the beginning as fits."""
    if len(text) * 2 <= units or utf16_len(text) <= units:
        return text
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > units:
            return text[:index]
    return text


def split_plain(text: str, budget: int = UNITS_BUDGET) -> list[str]:
    """Cut a plain text into pieces of at most `budget` units; joined they are the text."""
    if utf16_len(text) <= budget:
        return [text] if text else []
    pieces: list[str] = []
    current: list[str] = []
    used = 0
    for line in text.splitlines(keepends=True):
        length = utf16_len(line)
        if current and used + length > budget:
            pieces.append("".join(current))
            current, used = [], 0
        rest = line
        while length > budget:
            cut = head(rest, budget) or rest[0]
            pieces.append(cut)
            rest = rest[len(cut) :]
            length = utf16_len(rest)
        if rest:
            current.append(rest)
            used += length
    if current:
        pieces.append("".join(current))
    return pieces


@dataclass(frozen=True, slots=True)
class _Atom:
    """One tag (no length), reference or stretch of text within a line."""

    source: str
    length: int = 0
    opens: str = ""
    closes: str = ""
    is_divisible: bool = False


def measure(html: str) -> tuple[int, int]:
    """Return how long HTML is when shown, and at most how many entities; ValueError as split_html.

    Done for every message: a table of many lines has few tags, and its lines do not matter.
    """
    open_names: list[str] = []
    entities = 0
    for closing, name in _TAG.findall(html):
        if not closing:
            open_names.append(name.lower())
            entities += 1
        elif not open_names or open_names.pop() != name.lower():
            raise ValueError(f"the tag </{name}> closes nothing")
    if open_names:
        raise ValueError(f"the tag <{open_names[-1]}> is not closed")
    return sum(_units_shown(text) for text in _TAG.split(html)[::3]), entities


def _units_shown(text: str) -> int:
    """Count what is between two tags."""
    if "<" in text:
        raise ValueError("a < that begins no tag")
    return utf16_len(_REFERENCE.sub(lambda found: unescape(found[0]), text))


def plain_of(html: str) -> str:
    """Return what an HTML text shows, without its tags; a text that is no HTML as it is."""
    try:
        atoms = _atoms(html)
    except ValueError:
        return html
    shown = (atom.source for atom in atoms if not (atom.opens or atom.closes))
    return "".join(unescape(one) if one.startswith("&") else one for one in shown)


def split_html(
    html: str, budget: int = UNITS_BUDGET, entities_max: int = ENTITIES_MAX
) -> list[str]:
    """Cut HTML into pieces with balanced tags; ValueError for one whose tags do not match."""
    splitter = _Splitter(budget, entities_max)
    line: list[_Atom] = []
    for atom in _atoms(html):
        line.append(atom)
        if atom.source.endswith("\n"):
            splitter.add_line(line)
            line = []
    splitter.add_line(line)
    return splitter.finish()


@dataclass(slots=True)
class _Splitter:
    budget: int
    entities_max: int
    pieces: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    open: list[_Atom] = field(default_factory=list)
    used: int = 0
    entities: int = 0

    def add_line(self, line: list[_Atom]) -> None:
        length = sum(atom.length for atom in line)
        opening = sum(1 for atom in line if atom.opens)
        if self._is_over(length, opening):
            self._flush()
        for atom in line:
            self._add(atom)

    def finish(self) -> list[str]:
        if self.open:
            raise ValueError(f"the tag <{self.open[-1].opens}> is not closed")
        self._flush()
        return self.pieces

    def _is_over(self, length: int, opening: int) -> bool:
        return self.used > 0 and (
            self.used + length > self.budget or self.entities + opening > self.entities_max
        )

    def _add(self, atom: _Atom) -> None:
        if atom.opens:
            if self._is_over(0, 1):
                self._flush()
            self.open.append(atom)
            self.entities += 1
            self.parts.append(atom.source)
        elif atom.closes:
            if not self.open or self.open[-1].opens != atom.closes:
                raise ValueError(f"the tag </{atom.closes}> closes nothing")
            self.open.pop()
            self.parts.append(atom.source)
        else:
            self._add_text(atom)

    def _add_text(self, atom: _Atom) -> None:
        rest, length = atom.source, atom.length
        while self.used + length > self.budget and (atom.is_divisible or self.used):
            cut = head(rest, self.budget - self.used) if atom.is_divisible else ""
            if self.used == 0 and not cut:
                cut = rest[0]
            self.parts.append(cut)
            self.used += utf16_len(cut)
            rest = rest[len(cut) :]
            length = utf16_len(rest) if atom.is_divisible else length
            self._flush()
        self.parts.append(rest)
        self.used += length

    def _flush(self) -> None:
        """End a piece; what was open is open again in the next."""
        closing = [f"</{tag.opens}>" for tag in reversed(self.open)]
        if self.used:
            self.pieces.append("".join([*self.parts, *closing]))
            self.parts = [tag.source for tag in self.open]
        self.used, self.entities = 0, len(self.open)


def _atoms(html: str) -> list[_Atom]:
    atoms = []
    for found in _TOKEN.finditer(html):
        source = found[0]
        if found["stray"]:
            raise ValueError("a < that begins no tag")
        if found["name"]:
            name = found["name"].lower()
            atoms.append(_Atom(source, closes=name) if found["closing"] else _Atom(source, 0, name))
        elif found["reference"]:
            atoms.append(_Atom(source, utf16_len(unescape(source))))
        else:
            atoms.append(_Atom(source, utf16_len(source), is_divisible=True))
    return atoms
