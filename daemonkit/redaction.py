"""Take known texts, and whatever looks like a token, out of any text.

A secret is found raw and in every way Python and the web write it: escaped by repr or JSON, once
or several times over, percent-encoded, as HTML, as bytes, and a mixture of these.
"""

import html
import re
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

REDACTED = "[secret]"

# Shorter values would blot out ordinary words and numbers all over the logs.
LENGTH_MIN = 6
_LINE_LENGTH_MIN = 16
_RUN_LENGTH_MIN = 3
_END_LENGTH = 10

# A longer text is only looked for as it is; its lines and ends are found in all their forms.
_PATTERN_LENGTH_MAX = 4096

# A Telegram token anywhere, also one that was never registered (a URL in a library's error).
# One that was cut is shorter and has dots behind it.
# The look-behind and the possessive digits keep a long run of digits linear.
_TELEGRAM_TOKEN = re.compile(
    r"(?<![0-9])[0-9]{6,}+(?::|%3[Aa])(?:[A-Za-z0-9_-]{30,}|[A-Za-z0-9_-]{5,29}(?=…|\.\.))"
)
_URL_CREDENTIALS = re.compile(r"(?<=://)[^\s/:@]{0,200}:[^\s/@]{1,200}(?=@)")

_PLAIN_RUN = re.compile(r"[A-Za-z0-9]+")
_PIECE = re.compile(r"[A-Za-z0-9]+|\\+|\r?\n|.", re.DOTALL)
_CONTROL_NAMES = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v", "\a": "a"}

# How often a text may have been escaped on its way here; every time doubles the backslashes.
_BACKSLASHES_MAX = 8


class Redactor:
    """Hold the texts that must not be seen and replace them, wherever they occur, by a mark."""

    def __init__(self, retired_max: int = 64) -> None:
        self._lock = threading.Lock()
        self._live: Counter[str] = Counter()
        self._gone: deque[str] = deque()
        self._retired: OrderedDict[str, tuple[_Needle, ...]] = OrderedDict()
        self._retired_max = retired_max
        self._live_needles: dict[str, tuple[_Needle, ...]] = {}
        self._needles: tuple[_Needle, ...] = ()

    def add(self, value: str) -> None:
        """Hide the value from now on; count one more holder of it."""
        with self._lock:
            self._collect()
            self._live[value] += 1
            if self._live[value] == 1:
                known = self._retired.pop(value, ())
                self._live_needles[value] = known or tuple(_needles(value))
                self._rebuild()

    def retire(self, value: str) -> None:
        """Note that one holder of the value is gone; it stays hidden among the last retired."""
        # Called from __del__, which may run anywhere, also inside add(): so no lock here.
        self._gone.append(value)

    def redact(self, text: str) -> str:
        """Return the text without any text that is hidden and without anything like a token."""
        # All are looked for in the text as it came: a mark would break what lies around it.
        spans = [span for needle in self._needles for span in needle.spans(text)]
        if ":" in text or "%3" in text:
            spans += [match.span() for match in _TELEGRAM_TOKEN.finditer(text)]
        if "@" in text:
            spans += [match.span() for match in _URL_CREDENTIALS.finditer(text)]
        return _cover(text, spans) if spans else text

    def _collect(self) -> None:
        changed = False
        while self._gone:
            value = self._gone.popleft()
            self._live[value] -= 1
            if self._live[value] <= 0:
                del self._live[value]
                self._retired[value] = self._live_needles.pop(value, ())
        # Renewed session tokens come and go for months; only the live ones and the last few count.
        while len(self._retired) > self._retired_max:
            self._retired.popitem(last=False)
            changed = True
        if changed:
            self._rebuild()

    def _rebuild(self) -> None:
        known = (*self._live_needles.values(), *self._retired.values())
        self._needles = tuple(needle for needles in known for needle in needles)


@dataclass(frozen=True, slots=True)
class _Needle:
    """One text to find: a part of it that is never escaped, and a pattern for all of it.

    `whole` is the value that it is one end of, if it is.
    """

    plain: str
    pattern: re.Pattern[str] | None
    whole: str = ""

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the text stands, also where it overlaps itself."""
        if self.plain not in text:
            return
        if self.pattern is None:
            start = text.find(self.plain)
            while start >= 0:
                yield self._grow(text, start, start + len(self.plain))
                start = text.find(self.plain, start + 1)
            return
        match = self.pattern.search(text)
        while match:
            yield self._grow(text, *match.span())
            match = self.pattern.search(text, match.start() + 1)

    def _grow(self, text: str, start: int, end: int) -> tuple[int, int]:
        """Take in what follows the beginning of a value, or precedes its end, until it was cut."""
        whole, found = self.whole, text[start:end]
        if found and whole.startswith(found):
            while end < len(text) and whole[end - start : end - start + 1] == text[end]:
                end += 1
        elif found and whole.endswith(found):
            while start and whole[start - end - 1 : start - end] == text[start - 1]:
                start -= 1
        return start, end


def _cover(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Replace the spans; those that touch or overlap go as a whole."""
    pieces: list[str] = []
    shown_to = 0
    for start, end in sorted(spans):
        if start >= shown_to:
            pieces += [text[shown_to:start], REDACTED]
        shown_to = max(shown_to, end)
    return "".join(pieces) + text[shown_to:]


def _needles(value: str) -> Iterator[_Needle]:
    # A key in PEM form is often logged line by line; its first and last line are no secret.
    lines = (line.strip() for line in value.split("\n"))
    parts = {line for line in lines if len(line) >= _LINE_LENGTH_MIN and line[:5] != "-----"}
    parts |= {value, value.strip()}
    wholes = {end: part for part in parts for end in _ends(part)} | dict.fromkeys(parts, "")
    return (_needle(part, whole) for part, whole in wholes.items() if len(part) >= LENGTH_MIN)


def _ends(value: str) -> tuple[str, ...]:
    """Return what is left of a long value where a text was cut: reprlib's `abc...xyz`."""
    if len(value) < 2 * _END_LENGTH or value[:5] == "-----":
        return ()
    return value[:_END_LENGTH], value[-_END_LENGTH:]


def _needle(value: str, whole: str) -> _Needle:
    longest = max(_PLAIN_RUN.findall(value), key=len, default="")
    if longest == value or len(value) > _PATTERN_LENGTH_MAX:
        return _Needle(value, None, whole)
    pattern = "".join(_piece_pattern(piece) for piece in _PIECE.findall(value))
    plain = longest if len(longest) >= _RUN_LENGTH_MIN else ""
    return _Needle(plain, re.compile(pattern), whole)


def _piece_pattern(piece: str) -> str:
    if _PLAIN_RUN.fullmatch(piece):
        return piece
    if piece[0] == "\\":
        # Every escaping doubles them; a run is one piece, as two open ends would be slow.
        count = len(piece)
        return rf"(?:\\{{{count},{count * 2 * _BACKSLASHES_MAX}}}|{_web_pattern(piece)})"
    if piece[-1] == "\n":
        return f"(?:{_character_pattern(chr(13))})?{_character_pattern(chr(10))}"
    return _character_pattern(piece)


def _character_pattern(character: str) -> str:
    """Return a pattern for all the ways in which one character may have been written."""
    code = ord(character)
    octets = character.encode("utf-8", "surrogatepass")
    units = character.encode("utf-16-be", "surrogatepass").hex()
    escape = rf"\\{{1,{_BACKSLASHES_MAX}}}"
    escapes = [
        f"u{code:04x}",
        f"U{code:08x}",
        escape.join(f"x{byte:02x}" for byte in octets),
        escape.join(f"u{units[start : start + 4]}" for start in range(0, len(units), 4)),
    ]
    if code < 0x100:
        escapes.append(f"x{code:02x}")
    if name := _CONTROL_NAMES.get(character):
        escapes.append(name)
    forms = [
        rf"\\{{0,{_BACKSLASHES_MAX}}}{re.escape(character)}",
        f"{escape}(?i:{'|'.join(escapes)})",
        _web_pattern(character),
    ]
    if character == "\n":
        # Continuation lines are indented in the log.
        forms.append(r"\n *")
    if character == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"


def _web_pattern(piece: str) -> str:
    """Return a pattern for a piece that is percent-encoded or escaped for HTML."""
    percent = "".join(f"%{byte:02x}" for byte in piece.encode("utf-8", "surrogatepass"))
    entities = "".join(f"&(?:{'|'.join(_entities(each))});" for each in piece)
    return f"(?i:{percent}|{entities})"


def _entities(character: str) -> list[str]:
    numbers = [rf"\#0*{ord(character)}", rf"\#x0*{ord(character):x}"]
    name = html.escape(character)
    return [*numbers, re.escape(name[1:-1])] if name != character else numbers
