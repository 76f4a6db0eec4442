"""What was said in a chat on its way there: as messages, edits, pictures and files."""

from collections import deque
from dataclasses import replace

from telegram.bridge.chat_outbox.calls import Call, Offer
from telegram.bridge.chat_outbox.lanes import Lane
from telegram.bridge.chat_outbox.packing import (
    PIECES_MAX,
    Dress,
    caption_of,
    dressed,
    html_pieces_of,
    pieces_of,
    text_file,
)
from telegram.bridge.chat_outbox.posts import Post
from telegram.bridge.chat_outbox.retries import Action, Form, weaker
from telegram.bridge.chat_outbox.splitting import plain_of
from telegram.bridge.chat_outbox.telegram_chat import TelegramChat
from telegram.bridge.messenger import Trouble
from telegram.bridge.render import PERHAPS_SHOWN

_SHOWN_KEPT = 200


class PostSource:
    """Send the posts of one lane (telegram.bridge.chat_outbox.calls.Source)."""

    def __init__(self, chat: TelegramChat, lane: Lane, *, gap_s: float, dress: Dress | None):
        self._chat = chat
        self._lane = lane
        self._gap_s = gap_s
        self._dress = dress
        self._post: Post | None = None
        self._calls: deque[Call] = deque()
        self._is_begun = False
        self._form = Form.DRESSED
        self._is_repeat = False
        self._shown: dict[int, tuple[float, Post]] = {}

    def offer(self, now: float) -> Offer | None:
        """Return whether a post waits; a status is not edited faster than its gap."""
        if self._is_begun and self._post is not None:
            return Offer(self._lane, self._post.queued_at, now)
        posts = self._chat.waiting(self._lane, now)
        if not posts:
            return None
        due_at = min(self._due_at(post, now) for post in posts)
        return Offer(self._lane, posts[0].queued_at, due_at)

    def call(self, now: float, /) -> Call | None:
        """Return the next message of a post that has begun, or the first of another."""
        if not self._is_begun:
            self._choose(now)
        return self._calls[0] if self._calls else None

    def sent(self, message_id: int | None, now: float, /) -> None:
        """Go on with the rest of the post, or with the next."""
        post = self._post
        assert post is not None, "only a post that was chosen is sent"
        if message_id is not None and not self._is_begun:
            self._chat.notes.note_sent(post.number, message_id, post.slot)
        self._calls.popleft()
        self._is_begun = bool(self._calls)
        if not self._calls:
            # Not the data of files, which are never edited.
            self._shown[post.number] = (now, replace(post, attachment=None))
            while len(self._shown) > _SHOWN_KEPT:
                del self._shown[next(iter(self._shown))]
            self._chat.remove(post)
            self._end()
            post.on_shown()

    def failed(self, trouble: Trouble, action: Action, /) -> None:
        """Send it again, otherwise, or not at all."""
        post = self._post
        assert post is not None, "only a post that was chosen fails"
        if action is Action.DROP and post.is_awaited:
            action = Action.REPEAT
        if action is Action.REPEAT:
            self._is_repeat = self._lane is not Lane.STATUS
            self._rebuild(post)
        elif action is Action.AS_NEW:
            self._chat.notes.forget(post.number)
            self._rebuild(post)
        elif action is Action.WEAKEN:
            form = weaker(Form.FILE if self._calls[0].attachment else self._form, trouble)
            if form is None:
                self._give_up(post)
            else:
                self._form = form
                self._rebuild(post)
        elif action is Action.DROP:
            self._give_up(post)
        elif not self._is_begun:
            # A later edit may take its place until the next try.
            self._calls.clear()

    def _choose(self, now: float) -> None:
        self._calls.clear()
        if self._lane is Lane.TEXT:
            self._chat.join_texts()
        for post in self._chat.waiting(self._lane, now):
            if self._due_at(post, now) > now:
                continue
            if self._says_the_same(post):
                self._chat.remove(post)
                post.on_shown()
                continue
            if self._post is None or self._post.number != post.number:
                self._form, self._is_repeat = Form.DRESSED, False
            self._rebuild(post)
            return

    def _rebuild(self, post: Post) -> None:
        self._post, self._is_begun = post, False
        calls = self._build(post)
        if not post.is_urgent and self._chat.wishes.is_silent("notice"):
            calls = [replace(call, is_silent=True) for call in calls]
        self._calls = deque(calls)

    def _give_up(self, post: Post) -> None:
        self._chat.drop(post)
        self._end()

    def _end(self) -> None:
        self._post, self._is_begun, self._is_repeat = None, False, False
        self._calls.clear()
        self._form = Form.DRESSED

    def _due_at(self, post: Post, now: float) -> float:
        if not self._gap_s or post.number not in self._shown:
            return now
        return max(now, self._shown[post.number][0] + self._gap_s)

    def _says_the_same(self, post: Post) -> bool:
        if (
            post.attachment
            or post.number not in self._shown
            or self._chat.notes.message_id(post.number) is None
        ):
            return False
        before = self._shown[post.number][1]
        return (before.text, before.buttons) == (post.text, post.buttons)

    def _build(self, post: Post) -> list[Call]:
        if post.attachment is not None:
            text = self._chat.wishes.localize(post.text)
            return [Call(self._lane, _optional_caption(text), attachment=post.attachment)]
        edits = self._chat.notes.message_id(post.number)
        plain = plain_of(post.text) if post.is_html else self._chat.wishes.localize(post.text)
        pieces = self._pieces(post, plain)
        if len(pieces) > PIECES_MAX or self._form is Form.FILE:
            last_line = caption_of(plain.rstrip().rpartition("\n")[2])
            first = Call(self._lane, last_line, buttons=post.buttons, edits=edits)
            file = text_file(plain, f"message-{post.number}")
            return [first, Call(self._lane, "the whole text", attachment=file)]
        pins = post.is_pinned and edits is None
        calls = [Call(self._lane, text, is_html=is_html) for text, is_html in pieces]
        head, is_html = pieces[0]
        if self._is_repeat:
            head = f"({PERHAPS_SHOWN})\n{head}"
        calls[0] = Call(self._lane, head, is_html, post.buttons, edits, is_pinned=pins)
        return calls

    def _pieces(self, post: Post, text: str) -> list[tuple[str, bool]]:
        is_dressed = self._form is Form.DRESSED
        if post.is_html and is_dressed and (pieces := html_pieces_of(post.text)) is not None:
            return [(piece, True) for piece in pieces]
        dress = self._dress if is_dressed and not post.is_html else None
        plain = pieces_of(text, is_small=self._form is Form.SMALL)
        looks = [(dressed(piece, dress), piece) for piece in plain]
        return [(html or piece, html is not None) for html, piece in looks]


def _optional_caption(text: str) -> str:
    return caption_of(text) if text.strip() else ""
