"""What is said of commands that were not sent or not answered. Values in, texts out."""

from tcpproto import Reply, ReplyState
from tcpproto.vocabulary import Risk, risk_of
from telegram.bridge.receipts import State
from telegram.bridge.records import CommandRecord
from telegram.bridge.render import age_text
from telegram.bridge.sessions import Session

NOT_SENT = "nothing sent"
# What is held up for so long was written while something was away, unless a clock is wrong.
_CLOCK_DOUBT_S = 60.0


def late_text(age_s: float, allowed_s: float) -> str:
    """Say that a line is too old, and whose clock says so where that may be wrong."""
    text = f"written {_ago(age_s)} ago, allowed {int(allowed_s)} s"
    if age_s <= _CLOCK_DOUBT_S:
        return text
    return f"{text} (if it was just now, set the clock of the bridge's machine, which is ahead)"


def asked_again_text(age_s: float) -> str:
    """Say why a line that is old is asked about before it is done."""
    return f"written {_ago(age_s)} ago: is it still wanted?"


def away_text(session: Session | None, now: float) -> str:
    """Say for how long a bot is away."""
    if session is None or not session.seen_at:
        return "not connected"
    return f"not connected for {age_text(now - session.seen_at)}"


def why_away(session: Session | None, now: float) -> str:
    """Say why nothing is sent to a bot that is away, and how old is what is known of it."""
    text = f"{away_text(session, now)}; {NOT_SENT}"
    if session is None or session.status_at is None:
        return text
    age = age_text(now - session.status_at)
    return f"{text}; its last status is {age} old, see /health and /logs"


def clock_hint(record: CommandRecord, reply: Reply, now: float) -> str:
    """Say whose clock is wrong where a bot calls expired what has not expired here."""
    if reply.state is not ReplyState.EXPIRED or reply.repeat or "clock" in reply.text:
        return ""
    if now > record.expires_at:
        return ""
    return " (sent at once: set the clocks, the bot's is ahead of the bridge's)"


def lost_text(record: CommandRecord) -> str:
    """Say what may have become of a command whose answer never came."""
    if risk_of(record.verb, record.args) is Risk.READING:
        return "no answer"
    if record.state is State.ACCEPTED:
        return "accepted, but its end was never told; see /getstatus"
    return "no answer; it may or may not have been carried out, see /getstatus"


def _ago(age_s: float) -> str:
    return f"{int(age_s)} s" if age_s < 600 else age_text(age_s)
