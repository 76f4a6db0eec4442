"""How the console writes a post: as text for people, or as one JSON object for programs."""

import orjson

from telegram.bridge.console.writer import Post

NOT_UTF8 = "backslashreplace"


def encode_text(post: Post) -> bytes:
    """Return a post as lines; choices are numbered, and the number is an answer."""
    lines = [post.text]
    if post.labels:
        lines.append("  ".join(f"{n}) {label}" for n, label in enumerate(post.labels, 1)))
    return ("\n".join(lines) + "\n").encode("utf-8", NOT_UTF8)


def encode_json(post: Post) -> bytes:
    """Return a post as one line; an edit repeats the message_id of what it replaces."""
    text = post.text.encode("utf-8", NOT_UTF8).decode()
    fields = {
        "message_id": post.message_id,
        "text": text,
        "buttons": list(post.labels),
        "command_id": post.command_id,
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
