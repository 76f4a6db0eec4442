from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, field_validator, model_validator

from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret
from daemonkit.settings import Settings, from_environment, load_settings


class Account(Settings):
    exchange: Literal["kraken", "coinbase"]
    secret: Secret | None = None
    dry_run: bool = True


class Webhook(Settings):
    kind: Literal["webhook"]
    port: int


class Polling(Settings):
    kind: Literal["polling"]
    interval_s: float


class Bot(Settings):
    name: str = "paper"
    trading: Literal["allowed", "off"] = "allowed"
    leverage: int = Field(default=1, ge=1, le=10)
    risk: Decimal = Decimal("0.01")
    token: str = ""
    accounts: dict[str, Account] = Field(default_factory=dict)
    symbols: list[str] = Field(default_factory=list)
    intake: Annotated[Webhook | Polling, Field(discriminator="kind")] | None = None
    limit: int | Literal["none"] = "none"

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name == "telegram":
            raise ValueError("a name other than telegram.")
        return name

    @model_validator(mode="after")
    def _token_or_off(self) -> "Bot":
        if self.token == "refused by the model":
            raise ValueError("a token that fits")
        return self


def load(folder: Path, text: str, **overlay: object) -> Bot:
    path = folder / "config.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return load_settings(Bot, path, environment=overlay)


def refusal(folder: Path, text: str, **overlay: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text, **overlay)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None, "a chained error would show the values in tracebacks"
    return str(error).replace(str(folder) + "/", "")


def test_a_file_becomes_a_model(tmp_path: Path) -> None:
    bot = load(
        tmp_path, "name: b1\ntrading: off\nrisk: 0.1\naccounts: {main: {exchange: kraken}}\n"
    )
    assert bot.trading == "off"
    assert bot.risk == Decimal("0.1")
    assert bot.accounts["main"].exchange == "kraken"


def test_without_a_file_the_defaults_and_the_environment_count() -> None:
    bot = load_settings(Bot, None, environment={"leverage": "3"})
    assert (bot.name, bot.leverage) == ("paper", 3)


def test_the_environment_wins_dotted_or_nested(tmp_path: Path) -> None:
    text = "leverage: 2\naccounts:\n  main: {exchange: kraken, dry_run: yes}\n"
    assert load(tmp_path, text, leverage="5").leverage == 5
    overlay = {"accounts.main.dry_run": "false"}
    assert not load(tmp_path, text, **overlay).accounts["main"].dry_run
    nested = {"accounts": {"main": {"dry_run": False}, "other": {"exchange": "coinbase"}}}
    accounts = load(tmp_path, text, **nested).accounts
    assert (accounts["main"].dry_run, accounts["other"].exchange) == (False, "coinbase")
    assert load(tmp_path, "accounts:\n", **{"accounts.a.exchange": "kraken"}).accounts


ALL_KEYS = "accounts, intake, leverage, limit, name, risk, symbols, token, trading"


@pytest.mark.parametrize(
    ("text", "key", "found", "allowed"),
    [
        ("exchagne: kraken", "exchagne", "an unknown key", ALL_KEYS),
        ("leverag: 3", "leverag", "an unknown key", "leverage"),
        ("accounts: {a: {exchagne: x}}", "accounts.a.exchagne", "an unknown key", "exchange"),
        ("accounts: {a: {exchange: krakn}}", "accounts.a.exchange", "'krakn'",
         "'kraken' or 'coinbase'"),
        ("trading: 'no'", "trading", "'no'", "'allowed' or 'off'"),
        ("trading: false", "trading", "false", "'allowed' or 'off'"),
        ("name: 12", "name", "12", "text: put it in quotes"),
        ("name: true", "name", "true", "text: put it in quotes"),
        ("name: null", "name", "nothing", "text"),
        ("name: [a]", "name", "a list", "text"),
        ("leverage: 11", "leverage", "11", "at most 10"),
        ("leverage: 0", "leverage", "0", "at least 1"),
        ("leverage: much", "leverage", "'much'", "a whole number"),
        ("leverage: 1.5", "leverage", "1.5", "a whole number"),
        ("risk: .nan", "risk", "nan", "a finite number"),
        ("risk: high", "risk", "'high'", "a number"),
        ("accounts: [a]", "accounts", "a list", "a mapping"),
        ("accounts: {a: b}", "accounts.a", "'b'", "a mapping"),
        ("accounts: {a: {exchange: kraken, dry_run: 2}}",
         "accounts.a.dry_run", "2", "true or false"),
        ("symbols: BTC", "symbols", "'BTC'", "a list"),
        ("symbols: [BTC, 1]", "symbols[1]", "1", "text: put it in quotes"),
        ("name: telegram", "name", "'telegram'", "a name other than telegram"),
        ("limit: some", "limit", "'some'", "a whole number or 'none'"),
        ("intake: {kind: webhook, port: x}", "intake.port", "'x'", "a whole number"),
        ("intake: {kind: post}", "intake.kind", "'post'", "'webhook', 'polling'"),
        ("intake: {port: 1}", "intake.kind", "nothing", "a value: this key is required"),
        ("intake: {kind: polling, intervall_s: 1, interval_s: 1}", "intake.intervall_s",
         "an unknown key", "interval_s"),
        ("leverage: x" + "9" * 4000, "leverage", f"'x{'9' * 79}…'", "a whole number"),
        ("trading: " + "9" * 50, "trading", "a huge number", "'allowed' or 'off'"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_file_key_found_and_allowed(
    text: str, key: str, found: str, allowed: str, tmp_path: Path
) -> None:
    line = refusal(tmp_path, text).removesuffix(" (line 1)")
    assert line == f"config.yaml: {key}: found {found}, allowed {allowed}"


def test_the_line_of_the_mistake_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, "name: x\n\naccounts:\n  a:\n    exchange: y\n").endswith("(line 5)")


def test_a_required_key_that_is_missing_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, "accounts: {main: {}}") == (
        "config.yaml: accounts.main.exchange: found nothing, allowed a value: this key is required"
    )


def test_a_misspelt_required_key_is_named_before_the_one_it_leaves_missing(tmp_path: Path) -> None:
    text = "leverage: 0\naccounts: {main: {exchagne: kraken}}"
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert "exchagne" in str(caught.value)
    others = [each.removeprefix(f"{tmp_path}/config.yaml: ") for each in caught.value.others]
    assert others[0].startswith("leverage: found 0")
    assert others[1].startswith("accounts.main.exchange: found nothing")


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    environ = {"BOT_LEVERAGE": "lots", "BOT_TOKEN": "", "BOT_NAME": "env"}
    names = {"leverage": "BOT_LEVERAGE", "token": "BOT_TOKEN", "name": "BOT_NAME"}
    overlay = from_environment(environ, names)
    assert set(overlay) == {"leverage", "name"}
    assert "lots" not in repr(overlay)
    assert refusal(tmp_path, "leverage: 2", **overlay) == (
        "environment: BOT_LEVERAGE: found 'lots', allowed a whole number"
    )


def test_an_environment_that_goes_below_a_value_is_refused(tmp_path: Path) -> None:
    line = refusal(tmp_path, "accounts: none\n", **{"accounts.main.exchange": "kraken"})
    assert line == "config.yaml: accounts: found text, allowed a mapping (line 1)"


@pytest.mark.parametrize(
    "text",
    [
        "token: [hunter2hunter2]",
        "token: {a: hunter2hunter2}",
        "token: 20261120202611",
        "tokne: hunter2hunter2",
        "accounts: {main: {exchange: kraken, secret: [hunter2hunter2]}}",
        "accounts: {main: {exchange: kraken, secret: 20261120202611}}",
        "accounts: {main: {exchange: hunter2hunter2, secret: hunter2hunter2}}",
        "token: refused by the model",
    ],
)
def test_a_secret_is_never_repeated(text: str, tmp_path: Path) -> None:
    line = refusal(tmp_path, text)
    for secret in ("hunter2", "20261120202611", "refused by"):
        assert secret not in line


def test_a_file_with_secrets_that_others_can_read_is_pointed_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("token: hunter2hunter2\n")
    path.chmod(0o644)
    load_settings(Bot, path)
    assert "chmod 600" in caplog.text
    caplog.clear()
    path.chmod(0o600)
    load_settings(Bot, path)
    path.write_text("name: nothing secret\n")
    path.chmod(0o644)
    load_settings(Bot, path)
    assert not caplog.records
