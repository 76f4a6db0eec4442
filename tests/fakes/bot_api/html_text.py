"""Telegram's HTML, parsed as strictly as its servers do: offsets in errors count bytes of UTF-8,
offsets of entities count UTF-16 code units. Knows nothing of messages.
"""

import re
from dataclasses import dataclass
from typing import Final

from tests.fakes.bot_api.refusals import RefusalError, bad_request

_TYPE_OF_TAG: Final = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("tg-spoiler", "span"), "spoiler"),
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_SPACE: Final = b" \t\r\n\v\0"
_NAMED: Final = {b"lt": "<", b"gt": ">", b"amp": "&", b"quot": '"'}
_REFERENCE: Final = re.compile(rb"&(?:#x([0-9a-fA-F]*)|#([0-9]*)|([a-zA-Z]*));?")
_TAG_NAME: Final = re.compile(rb"[^ \t\r\n\v\0>]*")
_ATTRIBUTE_NAME: Final = re.compile(rb"[^ \t\r\n\v\0=>/\"']*")
_NAME_TOKEN: Final = re.compile(rb"[A-Za-z0-9.-]*")

Entity = dict[str, object]


def utf16_length(text: str) -> int:
    """Count UTF-16 code units, which is how Telegram measures texts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(slots=True)
class _OpenTag:
    name: str
    argument: str
    offset: int
    text_start: int


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Split HTML into plain text and entities, or raise what the API would answer."""
    return _Parser(source.encode("utf-8", "surrogatepass")).parse()


class _Parser:
    """Walk once over the bytes of one text."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._out: list[str] = []
        self._offset = 0
        self._open: list[_OpenTag] = []
        self._entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        while self._at < len(self._data):
            if self._data[self._at] == ord("<"):
                self._tag()
            else:
                self._characters()
        if self._open:
            tag = self._open[-1].name
            raise _wrong(f'Can\'t find end tag corresponding to start tag "{tag}"')
        text = "".join(self._out)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise _wrong(
                "Text contains invalid Unicode characters after decoding HTML entities, "
                "check for unmatched surrogate code units"
            )
        for entity in self._entities:
            if entity["type"] == "code":
                entity.pop("language", None)  # which only counts inside <pre>
        self._entities.sort(key=_by_place)
        return text, self._entities

    def _characters(self) -> None:
        if self._data[self._at] == ord("&") and (character := self._reference()):
            self._add(character)
            return
        stop = self._at + 1
        while stop < len(self._data) and self._data[stop] not in b"<&":
            stop += 1
        self._add(self._data[self._at : stop].decode("utf-8", "surrogatepass"))
        self._at = stop

    def _add(self, text: str) -> None:
        self._out.append(text)
        self._offset += utf16_length(text)

    def _reference(self) -> str:
        """Return the character that a reference means, and pass it; "" leaves the & as it is."""
        found = _REFERENCE.match(self._data, self._at)
        assert found is not None
        hexadecimal, decimal, name = found.groups()
        if name is not None:
            character = _NAMED.get(name, "")
        else:
            code = int(hexadecimal or b"0", 16) if hexadecimal is not None else int(decimal or b"0")
            is_too_long = len(found[0].rstrip(b";")) >= 10
            character = "" if code == 0 or code >= 0x10FFFF or is_too_long else chr(code)
        if character:
            self._at = found.end()
        return character

    def _tag(self) -> None:
        start = self._at
        self._at += 1
        if self._data[self._at : self._at + 1] == b"/":
            self._at += 1
            self._end_tag(start)
        else:
            self._start_tag(start)

    def _start_tag(self, start: int) -> None:
        name = self._take(_TAG_NAME).lower()
        if self._is_over():
            raise _wrong(f"Unclosed start tag at byte offset {start}")
        if name not in _TYPE_OF_TAG:
            raise _wrong(f'Unsupported start tag "{name}" at byte offset {start}')
        argument = self._attributes(name, start)
        if name == "span" and argument != "spoiler":
            raise _wrong(f'Tag "span" must have class "tg-spoiler" at byte offset {start}')
        self._at += 1
        self._open.append(_OpenTag(name, argument, self._offset, len(self._out)))

    def _attributes(self, tag: str, start: int) -> str:
        """Read up to the closing bracket; return the one argument that this tag cares for."""
        argument = ""
        while True:
            self._skip_space()
            if self._is_over():
                raise _wrong(f'Unclosed start tag "{tag}" at byte offset {start}')
            if self._byte() == b">":
                return argument
            name = self._take(_ATTRIBUTE_NAME)
            if not name:
                raise _wrong(f'Empty attribute name in the tag "{tag}" at byte offset {start}')
            self._skip_space()
            if self._byte() != b"=":
                if self._is_over():
                    raise _wrong(f'Unclosed start tag "{tag}" at byte offset {start}')
                argument = "1" if (tag, name) == ("blockquote", "expandable") else argument
                continue
            self._at += 1
            self._skip_space()
            if self._is_over():
                raise _wrong(f'Unclosed start tag "{tag}" at byte offset {start}')
            argument = _argument(tag, name, self._value(start), argument)

    def _value(self, start: int) -> str:
        quote = self._byte()
        if quote not in (b"'", b'"'):
            token_start = self._at
            value = self._take(_NAME_TOKEN).lower()
            if not self._is_over() and self._byte() not in (b">", *_bytes_of(_SPACE)):
                raise _wrong(f"Unexpected end of name token at byte offset {token_start}")
        else:
            self._at += 1
            value = self._quoted(quote)
        if self._is_over():
            raise _wrong(f"Unclosed start tag at byte offset {start}")
        return value

    def _quoted(self, quote: bytes) -> str:
        parts: list[str] = []
        raw = bytearray()
        while not self._is_over() and self._byte() != quote:
            if self._byte() == b"&" and (character := self._reference()):
                parts += (raw.decode("utf-8", "surrogatepass"), character)
                raw.clear()
                continue
            raw += self._byte()
            self._at += 1
        self._at += 1
        return "".join((*parts, raw.decode("utf-8", "surrogatepass")))

    def _end_tag(self, start: int) -> None:
        if not self._open:
            raise _wrong(f"Unexpected end tag at byte offset {start}")
        name = self._take(_TAG_NAME).lower()
        self._skip_space()
        if self._byte() != b">":
            raise _wrong(f"Unclosed end tag at byte offset {start}")
        self._at += 1
        opened = self._open[-1]
        if name not in ("", opened.name):
            raise _wrong(
                f'Unmatched end tag at byte offset {start}, expected "</{opened.name}>", '
                f'found "</{name}>"'
            )
        self._open.pop()
        if self._offset > opened.offset:
            self._close(opened)

    def _close(self, tag: _OpenTag) -> None:
        entity: Entity = {
            "type": _TYPE_OF_TAG[tag.name],
            "offset": tag.offset,
            "length": self._offset - tag.offset,
        }
        if tag.name == "a":
            url = tag.argument or "".join(self._out[tag.text_start :])
            if not re.match(r"(?:https?|tg|mailto|tel)://?\S|[\w-]+(\.[\w-]+)+", url):
                return
            entity["url"] = url
        elif tag.name == "tg-emoji":
            if not tag.argument.isdigit() or int(tag.argument) == 0:
                raise _wrong("Invalid custom emoji identifier specified")
            entity["custom_emoji_id"] = tag.argument
        elif tag.name == "blockquote" and tag.argument:
            entity["type"] = "expandable_blockquote"
        elif tag.name == "pre" and self._entities:
            inner = self._entities[-1]
            is_same = all(inner[key] == entity[key] for key in ("offset", "length"))
            if inner["type"] == "code" and is_same and "language" in inner:
                inner["type"] = "pre"
                return
        if tag.name == "code" and tag.argument:
            entity["language"] = tag.argument
        self._entities.append(entity)

    def _take(self, pattern: re.Pattern[bytes]) -> str:
        found = pattern.match(self._data, self._at)
        assert found is not None
        self._at = found.end()
        return found[0].decode("utf-8", "surrogatepass")

    def _skip_space(self) -> None:
        while not self._is_over() and self._data[self._at] in _SPACE:
            self._at += 1

    def _byte(self) -> bytes:
        return self._data[self._at : self._at + 1]

    def _is_over(self) -> bool:
        return self._at >= len(self._data)


def _argument(tag: str, name: str, value: str, so_far: str) -> str:
    if (tag, name) in (("a", "href"), ("tg-emoji", "emoji-id")):
        return value
    if (tag, name) == ("code", "class") and value.startswith("language-"):
        return value.removeprefix("language-")
    if (tag, name) == ("span", "class") and value.startswith("tg-"):
        return value.removeprefix("tg-")
    if (tag, name) == ("blockquote", "expandable"):
        return "1"
    return so_far


def _bytes_of(data: bytes) -> list[bytes]:
    return [bytes((byte,)) for byte in data]


def _by_place(entity: Entity) -> tuple[int, int]:
    offset, length = entity["offset"], entity["length"]
    assert isinstance(offset, int)
    assert isinstance(length, int)
    return offset, -length


def _wrong(what: str) -> RefusalError:
    return bad_request(f"can't parse entities: {what}")
