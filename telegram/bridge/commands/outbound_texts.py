"""What is said of commands that were not sent or not answered. Values in, texts out."""

from tcpproto.vocabulary import Risk, risk_of
from telegram.bridge.receipts import State
from telegram.bridge.records import CommandRecord
from telegram.bridge.render import age_text
from telegram.bridge.sessions import Session

NOT_SENT = "nothing sent"


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


def lost_text(record: CommandRecord) -> str:
    """Say what may have become of a command whose answer never came."""
    if risk_of(record.verb, record.args) is Risk.READING:
        return "no answer"
    if record.state is State.ACCEPTED:
        return "accepted, but its end was never told; see /getstatus"
    return "no answer; it may or may not have been carried out, see /getstatus"
