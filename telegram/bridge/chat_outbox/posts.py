"""What waits in a chat's memory, by lane: bounded, the latest edit of a message in its place.

Durable events do not wait here but in the database. No clock: callers say what time it is.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from telegram.bridge.chat import Buttons
from telegram.bridge.chat_outbox.lanes import EDIT_LIFETIME_S, EVICTION, LANES, Lane

# So long a text is a file of a handy size, and no great loss when it gives way.
JOINED_LEN_MAX: Final = 500_000


def do_nothing() -> None:
    """Be called for nothing."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """Hold a picture (PNG), or a file when it has a name."""

    data: bytes
    file_name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Post:
    """Hold what one message shall say; `number` is our own name for the message."""

    number: int
    lane: Lane
    text: str
    queued_at: float
    buttons: Buttons = ()
    is_html: bool = False
    attachment: Attachment | None = None
    slot: str = ""
    is_pinned: bool = False
    # Makes no sound and no new message, and what it replaces says less: it may come late.
    is_edit: bool = False
    # How many texts it holds, and whether one of them must be heard.
    count: int = 1
    is_urgent: bool = True
    on_shown: Callable[[], None] = do_nothing

    @property
    def is_awaited(self) -> bool:
        """Tell whether somebody waits to hear that it is shown: then late is better than never."""
        return self.on_shown is not do_nothing

    @property
    def size(self) -> int:
        """Return about how many bytes it takes."""
        return 200 + 2 * len(self.text) + len(self.attachment.data if self.attachment else b"")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Hold how much may wait in one chat."""

    rows_max: int = 5_000
    bytes_max: int = 20 * 1024 * 1024


class Posts:
    """Keep posts until they are sent, expire or give way."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._lanes: dict[Lane, dict[int, Post]] = {lane: {} for lane in Lane}
        self._rows = 0
        self._bytes = 0
        self.dropped: Counter[Lane] = Counter()

    def put(self, post: Post) -> None:
        """Have a post wait; one for the same message is replaced and keeps its place in line."""
        lane = self._lanes[post.lane]
        if (before := lane.get(post.number)) is not None:
            self._bytes -= before.size
        else:
            self._rows += 1
        lane[post.number] = post
        self._bytes += post.size
        while self._rows > self._bounds.rows_max or self._bytes > self._bounds.bytes_max:
            self._evict()

    def find(self, number: int) -> Post | None:
        """Return what waits for a message."""
        for lane in self._lanes.values():
            if number in lane:
                return lane[number]
        return None

    def waiting(self, lane: Lane, now: float) -> list[Post]:
        """Return the posts of a lane in order; those past their time are dropped."""
        lifetime_s = LANES[lane].lifetime_s
        if lifetime_s is not None:
            for post in list(self._lanes[lane].values()):
                is_outcome = (post.is_edit or post.is_awaited) and lane is Lane.REPLY
                if now - post.queued_at > (EDIT_LIFETIME_S if is_outcome else lifetime_s):
                    self.remove(post)
                    self.dropped[lane] += post.count
        return list(self._lanes[lane].values())

    def remove(self, post: Post) -> None:
        """Take a post away, unless another has taken its place since."""
        lane = self._lanes[post.lane]
        if lane.get(post.number) is post:
            del lane[post.number]
            self._rows -= 1
            self._bytes -= post.size

    def join(self, lane: Lane, *, skip: int = 0) -> None:
        """Make one post of the plain texts of a lane, but for the first ones; none is lost."""
        before = list(self._lanes[lane].values())
        after = before[:skip] + _joined(before[skip:])
        self._rows += len(after) - len(before)
        self._bytes += sum(one.size for one in after) - sum(one.size for one in before)
        self._lanes[lane] = {one.number: one for one in after}

    def rows(self, lane: Lane) -> int:
        """Count the posts of a lane."""
        return len(self._lanes[lane])

    def count(self, lane: Lane) -> int:
        """Count the texts that wait in a lane."""
        return sum(post.count for post in self._lanes[lane].values())

    def _evict(self) -> None:
        for lane in EVICTION:
            oldest = next(iter(self._lanes[lane].values()), None)
            if oldest is not None:
                self.remove(oldest)
                self.dropped[lane] += oldest.count
                return


def _joined(posts: Sequence[Post]) -> list[Post]:
    """Return as few posts as can be that say the same."""
    groups: list[list[Post]] = []
    length = 0
    for post in posts:
        length += len(post.text)
        if not groups or length > JOINED_LEN_MAX:
            groups.append([])
            length = len(post.text)
        groups[-1].append(post)
    return [
        replace(
            group[0],
            text="\n".join(one.text for one in group),
            count=sum(one.count for one in group),
            is_urgent=any(one.is_urgent for one in group),
        )
        for group in groups
    ]
