import copy
import dataclasses
import gc
import json
import logging
import pickle
import pprint
import reprlib
import traceback

import orjson
import pytest
from pydantic import BaseModel, ValidationError

from daemonkit.redaction import REDACTED, Redactor
from daemonkit.secrets import MASK, Secret, looks_secret, redact

PLANTED = "s3cr3t-Value/with+odd=chars"
TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    name: str
    key: Secret


class Section(BaseModel):
    name: str = "main"
    key: Secret


def test_a_secret_shows_itself_only_to_reveal() -> None:
    secret = Secret(PLANTED)
    shown = [
        repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", f"{secret:^20}",
        logging.makeLogRecord({"msg": "%s %r", "args": (secret, secret)}).getMessage(),
        f"{secret}", repr([secret]), repr({"key": secret}),
        repr(Account("main", secret)), pprint.pformat(dataclasses.asdict(Account("a", secret))),
        repr(Section(key=secret)), Section(key=secret).model_dump_json(),
        repr(Section(key=secret).model_dump()), repr(vars(Section(key=secret))),
        json.dumps({"key": secret}, default=str), ascii(secret), repr(copy.deepcopy([secret])),
    ]  # fmt: skip
    assert not [text for text in shown if PLANTED in text]
    assert secret.reveal() == PLANTED
    assert str(secret) == MASK


def test_a_secret_is_neither_pickled_nor_dumped_nor_changed() -> None:
    secret = Secret(PLANTED)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        orjson.dumps(secret)
    with pytest.raises(AttributeError):
        secret.value = "other"
    with pytest.raises(AttributeError):
        del secret._value
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(TypeError):
        secret.__getstate__()
    assert copy.copy(secret) is secret


def test_secrets_compare_by_value_and_an_empty_one_is_false() -> None:
    assert Secret(PLANTED) == Secret(PLANTED)
    assert hash(Secret(PLANTED)) == hash(Secret(PLANTED))
    assert Secret(PLANTED) != Secret("another value")
    assert Secret(PLANTED) != PLANTED
    assert Secret(PLANTED)
    assert not Secret("")
    with pytest.raises(TypeError):
        Secret(b"bytes")  # type: ignore[arg-type]


def test_settings_take_text_and_hand_out_the_mask() -> None:
    section = Section.model_validate({"key": PLANTED})
    assert section.key.reveal() == PLANTED
    assert json.loads(section.model_dump_json())["key"] == MASK
    assert Section.model_json_schema()["properties"]["key"]["format"] == "password"


def test_a_number_where_a_secret_should_be_does_not_show_in_the_error() -> None:
    with pytest.raises(ValidationError) as caught:
        Section.model_validate({"key": 918273645546372819})
    assert "918273645546372819" not in redact(str(caught.value))


def test_a_secret_in_a_traceback_is_taken_out() -> None:
    secret = Secret(PLANTED)
    error = ValueError(f"refused {secret.reveal()}")
    error.__cause__ = KeyError(secret.reveal())
    error.add_note(f"with {secret.reveal()}")
    text = redact("".join(traceback.format_exception(error)))
    assert PLANTED not in text
    assert text.count(REDACTED) == 3


def test_a_token_is_taken_out_though_nobody_registered_it() -> None:
    for text in (
        f"https://api.telegram.org/bot{TOKEN}/getMe",
        f"POST /bot{TOKEN.replace(':', '%3A')}/sendMessage",
        f"The token `{TOKEN}` was rejected by the server.",
    ):
        assert TOKEN[12:] not in redact(text)
        assert REDACTED in redact(text)


def test_a_secret_that_is_a_part_of_a_token_does_not_save_the_rest_of_it() -> None:
    redactor = Redactor()
    redactor.add(TOKEN[:10] + "SomeOtherTokenOfTheSameBot01234567")
    redactor.add("hunter2hunter2")
    assert redactor.redact(f"/bot{TOKEN}/getMe") == f"/bot{REDACTED}/getMe"
    text = "http://me:hunter2hunter2@host"
    assert redactor.redact(text) == f"http://{REDACTED}@host"


def test_the_password_of_a_url_is_taken_out() -> None:
    assert redact("proxy socks5://me:hunter2@host:1080/") == f"proxy socks5://{REDACTED}@host:1080/"


def test_ordinary_text_is_left_alone() -> None:
    text = "2026-11-20T10:29:33.123Z order 12345678 filled at 10:29 for a@b.c, see http://x/y"
    assert redact(text) == text


def test_a_long_run_of_digits_costs_no_time() -> None:
    assert redact("1" * 300_000) == "1" * 300_000
    assert redact("1:" * 100_000) == "1:" * 100_000
    assert redact("://a" * 50_000 + "@") == "://a" * 50_000 + "@"


def test_what_is_left_of_a_long_secret_after_a_cut_is_hidden_too() -> None:
    redactor = Redactor()
    redactor.add("0123456789abcdefghijABCDEFGHIJ")
    assert redactor.redact(reprlib.repr("0123456789abcdefghijABCDEFGHIJ!")) == (
        f"'{REDACTED}...{REDACTED}!'"
    )
    assert redactor.redact("0123456789abcdefg…") == f"{REDACTED}…"
    assert redactor.redact("…bcdefghijABCDEFGHIJ, 0123456789xyz") == f"…{REDACTED}, {REDACTED}xyz"


def test_a_token_that_was_cut_is_hidden_too() -> None:
    assert redact(f"'{TOKEN[:32]}…' is not a market") == f"'{REDACTED}…' is not a market"
    assert redact(f"{TOKEN[:18]}...") == f"{REDACTED}..."


def test_short_values_are_not_hidden_as_they_would_blot_out_everything() -> None:
    redactor = Redactor()
    redactor.add("buy")
    redactor.add("")
    assert redactor.redact("buy BTC") == "buy BTC"


def test_overlapping_secrets_leave_no_part_of_either() -> None:
    redactor = Redactor()
    redactor.add("abcdefgh")
    redactor.add("efghijkl")
    redactor.add("ghij-ghij")
    assert redactor.redact("x abcdefghijkl y") == f"x {REDACTED} y"
    assert redactor.redact("ghij-ghij-ghij") == REDACTED


def test_a_private_key_is_hidden_also_line_by_line() -> None:
    body = ["MHcCAQEEIJ7SjnKdJ2b9Xn4aSkwqhYb1", "oAoGCCqGSM49AwEHoUQDQgAEf2Zk1lqT"]
    pem = "\n".join(["-----BEGIN EC PRIVATE KEY-----", *body, "-----END EC PRIVATE KEY-----"])
    redactor = Redactor()
    redactor.add(pem)
    for text in (pem, pem.replace("\n", "\\n"), pem.replace("\n", "\r\n"), body[1], repr(pem)):
        assert not [line for line in body if line in redactor.redact(text)]
    assert redactor.redact("-----BEGIN EC PRIVATE KEY-----")[:5] == "-----"


def test_secrets_that_are_gone_stay_hidden_until_many_others_are_gone_too() -> None:
    redactor = Redactor(retired_max=2)
    for number in range(3):
        redactor.add(f"session-{number}")
        redactor.retire(f"session-{number}")
    assert redactor.redact("session-2") == REDACTED
    redactor.add("session-2")
    for number in range(3, 9):
        redactor.add(f"session-{number}")
        redactor.retire(f"session-{number}")
    redactor.add("last one")
    assert redactor.redact("session-0") == "session-0"
    assert redactor.redact("session-2") == REDACTED
    assert redactor.redact("session-8") == REDACTED


def test_a_secret_that_is_collected_is_still_hidden() -> None:
    secret = Secret("gone but not forgotten")
    del secret
    gc.collect()
    Secret("another one, so that the registry looks")
    assert redact("gone but not forgotten") == REDACTED


@pytest.mark.parametrize(
    "key",
    [
        "TELEGRAM_BOT_TOKEN", "telegram.token", "accounts.main.secret", "apiKey", "api_key",
        "accessKeyId", "password", "db_passwd", "passphrase", "link_secret", "key", "auth",
        "accounts.main.ccxt.apiKey", "private_key", "credentials", "headers.X-Auth",
    ],
)  # fmt: skip
def test_keys_of_secrets_are_recognised(key: str) -> None:
    assert looks_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        "link.tls.key_file",
        "LINK_SECRET_FILE",
        "keyboard",
        "author",
        "symbol",
        "link.port",
        "monkeys",
    ],
)
def test_keys_of_other_things_are_not(key: str) -> None:
    assert not looks_secret(key)
