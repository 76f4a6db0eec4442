"""The `live` section: the pace of real accounts, and how long anything about them may wait."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from daemonkit.settings import Settings
from trading.settings.values import no_truth

_Short = Annotated[float, BeforeValidator(no_truth), Field(gt=0, le=60)]
_Medium = Annotated[float, BeforeValidator(no_truth), Field(gt=0, le=600)]
_Long = Annotated[float, BeforeValidator(no_truth), Field(gt=0, le=86_400)]


class LiveSection(Settings):
    """The `live` section.

    An order that the venue cannot find counts as never arrived once `unknown_settle_s` have
    passed, so a request must have ended by then. `stream`: where the exchange can say that
    something happened, it is listened to, and `poll_stream_s` is how often is looked while it is
    heard of, where reads are few (Kraken). `requests_per_s` is what the key may ask, where the
    exchange allows it another number than its lowest tier. `keep_entries_at_stop` leaves what rests
    to enter at the exchange while the bot is stopped; what is filled then has no stop until it is
    back.
    """

    poll_s: _Short = 2.0
    stream: bool = True
    poll_stream_s: _Short = 20.0
    reconcile_s: _Long = 180.0
    unknown_settle_s: _Medium = 20.0
    entry_age_max_s: _Short = 5.0
    exit_retry_s: _Medium = 60.0
    request_timeout_s: _Short = 10.0
    requests_per_s: _Short | None = None
    keep_entries_at_stop: bool = False

    @model_validator(mode="after")
    def _settled(self) -> Self:
        if self.unknown_settle_s < self.request_timeout_s:
            raise ValueError("unknown_settle_s at least request_timeout_s")
        return self
