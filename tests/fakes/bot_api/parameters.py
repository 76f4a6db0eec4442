"""The parameters of one request, read with the API's own leniency and refusals."""

import json
from collections.abc import Mapping
from typing import Any, Self

from tests.fakes.bot_api.refusals import bad_request
from tests.fakes.bot_api.wire import HttpRequest, Upload

_TRUE = ("true", "yes", "1")


class Parameters:
    """Read typed values; JSON bodies carry values, forms carry strings of them."""

    def __init__(self, values: Mapping[str, object], uploads: Mapping[str, Upload]) -> None:
        self._values = values
        self._uploads = uploads

    @classmethod
    def of_request(cls, request: HttpRequest) -> Self:
        """Take the parameters of a request."""
        return cls(request.parameters, request.uploads)

    def value(self, name: str) -> object:
        """Return a value as it came."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """Return a string; empty when it is not there."""
        value = self._values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value)

    def integer(self, name: str, default: int = 0) -> int:
        """Return a whole number; something else counts as absent, as the API has it."""
        try:
            return int(self.text(name).strip('"'))
        except ValueError:
            return default

    def flag(self, name: str) -> bool:
        """Return a boolean."""
        return self.text(name).lower() in _TRUE

    def structure(self, name: str, what: str = "") -> Any:
        """Return a JSON value, whether it came as one or as a string; None when absent."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {what or name} JSON object") from None

    def upload(self, name: str) -> Upload | None:
        """Return the file of a parameter: its own part, or the part it points to."""
        value = self.text(name)
        if value.startswith("attach://"):
            return self._uploads.get(value.removeprefix("attach://"))
        return self._uploads.get(name)

    def attached(self, uri: object) -> Upload | None:
        """Return the file that `attach://…` points to."""
        return self._uploads.get(str(uri).removeprefix("attach://"))
