"""Texts as Telegram stores them: parsed, cleaned, trimmed, measured, with what it finds in them."""

import re
from dataclasses import dataclass
from typing import Final

from tests.fakes.bot_api.html_text import Entity, parse_html, utf16_length
from tests.fakes.bot_api.refusals import RefusalError, bad_request

TEXT_LENGTH_MAX: Final = 4096
CAPTION_LENGTH_MAX: Final = 1024
ENTITIES_MAX: Final = 100
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_FOUND: Final = re.compile(
    r"(?P<url>https?://[^\s<>\"]+[^\s<>\".,;:!?)])"
    r"|(?<![\w/@.<>])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?![\w/])"
    r"|(?<![\w@/])(?P<mention>@[A-Za-z0-9_]{3,32})\b"
    r"|(?<![\w#])(?P<hashtag>#\w*[^\W\d]\w*)"
    r"|(?<![\w$])(?P<cashtag>\$[A-Z]{1,8})(?![\w$])"
)


@dataclass(frozen=True, slots=True)
class FormattedText:
    """A text and what is marked in it."""

    text: str
    entities: tuple[Entity, ...] = ()


def read_text(text: str, parse_mode: str, entities: list[Entity] | None) -> FormattedText:
    """Return what Telegram makes of a text that a bot sends."""
    marked: list[Entity]
    text = text.replace("\r", "")
    if parse_mode.lower() == "html":
        text, marked = parse_html(text)
    elif not parse_mode:
        marked = _checked(text, entities or [])
    elif parse_mode.lower() in ("markdown", "markdownv2"):
        raise RefusalError(501, "the fake Bot API does not read Markdown; send HTML")
    else:
        raise bad_request("unsupported parse_mode")
    text = _CONTROL.sub(" ", text)  # a space each, so that offsets keep their meaning
    return _with_found(*_trimmed(text, marked))


def read_plain(text: str) -> FormattedText:
    """Return what Telegram makes of a text that a person types."""
    return read_text(text, "", None)


def check_text(formatted: FormattedText, *, is_edit: bool = False) -> FormattedText:
    """Refuse a message text that is empty or over the limit."""
    if not formatted.text:
        raise bad_request("text must be non-empty")
    if utf16_length(formatted.text) > TEXT_LENGTH_MAX:
        raise bad_request("MESSAGE_TOO_LONG" if is_edit else "message is too long")
    return formatted


def check_caption(formatted: FormattedText) -> FormattedText:
    """Refuse a caption over the limit."""
    if utf16_length(formatted.text) > CAPTION_LENGTH_MAX:
        raise bad_request("message caption is too long")
    return formatted


def _checked(text: str, entities: list[Entity]) -> list[Entity]:
    length = utf16_length(text)
    for entity in entities:
        offset, size = entity.get("offset"), entity.get("length")
        if not isinstance(entity.get("type"), str):
            raise bad_request("can't parse entities: Can't find field \"type\"")
        if not isinstance(offset, int) or not isinstance(size, int) or offset < 0 or size < 0:
            raise bad_request("can't parse entities: entity must have an offset and a length")
        if offset + size > length:
            raise bad_request(f"entity beginning at UTF-16 offset {offset} ends after the end")
    return [dict(entity) for entity in entities]


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Cut blanks at the end, and at the start as far as nothing is marked there."""
    text = text.rstrip()
    first = min((_place(entity)[0] for entity in entities), default=len(text) * 2)
    cut = min(len(text) - len(text.lstrip()), first)
    text = text[cut:]
    length = utf16_length(text)
    kept = []
    for entity in entities:
        offset, size = _place(entity)
        size = min(size, length - (offset - cut))
        if size > 0:
            kept.append({**entity, "offset": offset - cut, "length": size})
    return text, kept[:ENTITIES_MAX]


def _with_found(text: str, entities: list[Entity]) -> FormattedText:
    """Add what the server finds by itself, outside of code and links."""
    taken = [_place(entity) for entity in entities if entity["type"] in _OPAQUE]
    found: list[Entity] = []
    for match in _FOUND.finditer(text):
        kind = match.lastgroup
        offset, size = utf16_length(text[: match.start()]), utf16_length(match[0])
        if not any(offset < start + length and start < offset + size for start, length in taken):
            found.append({"type": kind, "offset": offset, "length": size})
    marked = sorted((*entities, *found), key=lambda entity: (_place(entity)[0], -_place(entity)[1]))
    return FormattedText(text, tuple(marked[:ENTITIES_MAX]))


_OPAQUE: Final = frozenset({"code", "pre", "text_link", "text_mention", "url", "bot_command"})


def _place(entity: Entity) -> tuple[int, int]:
    offset, length = entity["offset"], entity["length"]
    assert isinstance(offset, int)
    assert isinstance(length, int)
    return offset, length
