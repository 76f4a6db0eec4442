"""What a person is shown before an account trades real money, and what the answer does."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from daemonkit.errors import ConfigurationError, ExitCode
from trading.app import owner_of
from trading.config import BotConfig, load_config
from trading.confirm import Ask, Confirmation, DeclinedError, check_live_accounts, confirm_accounts
from trading.errors import NotConfirmedError, WrongOwnerError

CONFIG = """
exchange: kraken
mode: leveraged
dry_run: false
trading: {pairs: [BTC/USD, ETH/USD], trade_amount_usd: 50}
accounts:
  main: {leverage: 3, allow_short: true}
  second: {market_type: spot, dry_run: false}
  tried: {dry_run: true}
"""
KEYS = {
    "MAIN_KEY": "planted-key-1",
    "MAIN_SECRET": "planted-secret-1",
    "SECOND_KEY": "planted-key-2",
    "SECOND_SECRET": "planted-secret-2",
}


class Person:
    """Answers each question in turn, and remembers them."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []

    def __call__(self, question: str) -> str:
        self.questions.append(question)
        return self.answers.pop(0)


@pytest.fixture
def config(tmp_path: Path) -> BotConfig:
    return configured(tmp_path)


def configured(folder: Path, text: str = CONFIG) -> BotConfig:
    bot_dir = folder / "alpha"
    bot_dir.mkdir(exist_ok=True)
    (bot_dir / "config.yaml").write_text(text, encoding="utf-8")
    return load_config(bot_dir, {"VAR_DIR": str(folder / "var")})


def confirm(
    config: BotConfig,
    ask: Ask | None,
    environ: Mapping[str, str] = KEYS,
    only: str | None = None,
) -> list[Confirmation]:
    owner = owner_of(config)
    return list(confirm_accounts(config, owner, environ, only=only, now=1_800_000_000.0, ask=ask))


def start(config: BotConfig, environ: Mapping[str, str] = KEYS) -> set[str]:
    return set(check_live_accounts(config, owner_of(config), environ))


def test_every_live_account_is_shown_and_asked_about_once(config: BotConfig) -> None:
    with pytest.raises(NotConfirmedError, match=r"account main: .*trading confirm .*/alpha"):
        start(config)
    person = Person("main\n", " second ")
    first, second = confirm(config, person)
    assert (first.account, second.account, first.is_new) == ("main", "second", True)
    shown = person.questions[0]
    for text in (
        "alpha",
        "kraken, margin, long and short, leverage 3 of at most 3",
        "REAL",
        first.key,
        "BTC/USD, ETH/USD",
        "50 USD each; of the equity at most 25 % in one market and 90 % in all",
        "stop 5 %, target 10 %",
        "day 5 %",
    ):
        assert text in shown
    assert "spot, long only, leverage 1" in person.questions[1]
    assert "planted" not in "".join(person.questions)
    assert start(config) == {"main", "second"}
    assert [one.is_new for one in confirm(config, Person())] == [False, False]


@pytest.mark.parametrize("answer", ["", "yes\n", "Main", "second"])
def test_any_other_answer_changes_nothing(config: BotConfig, answer: str) -> None:
    with pytest.raises(DeclinedError) as caught:
        confirm(config, Person(answer))
    assert caught.value.exit_code is ExitCode.USAGE
    assert not config.database.exists()


def test_one_account_can_be_confirmed_alone_and_without_a_question(config: BotConfig) -> None:
    own = {name: value for name, value in KEYS.items() if name.startswith("SECOND")}
    (only,) = confirm(config, None, own, only="second")
    assert only.account == "second"
    with pytest.raises(NotConfirmedError, match="account main"):
        start(config)


def test_a_changed_key_is_confirmed_again_and_shown_as_changed(config: BotConfig) -> None:
    before = confirm(config, None)[0]
    changed = KEYS | {"MAIN_KEY": "planted-key-3"}
    with pytest.raises(NotConfirmedError, match=f"confirmed was {before.key}"):
        start(config, changed)
    # Another secret of the same key is no other account.
    assert start(config, KEYS | {"MAIN_SECRET": "planted-secret-3"})
    person = Person("main")
    assert confirm(config, person, changed)[0].is_new
    assert f"another than before ({before.key})" in person.questions[0]
    assert start(config, changed)


def test_what_trades_no_real_money_has_nothing_to_confirm(tmp_path: Path) -> None:
    config = configured(tmp_path, "exchange: kraken\ntrading: {pairs: [BTC/USD]}")
    assert start(config, {}) == set()
    with pytest.raises(ConfigurationError, match="dry_run: found true in every account"):
        confirm(config, None, {})
    with pytest.raises(ConfigurationError, match="accounts: found tried, allowed the live ones: m"):
        confirm(configured(tmp_path), None, only="tried")


def test_a_test_venue_is_not_called_real_and_its_database_is_another(tmp_path: Path) -> None:
    text = "exchange: binance\ndry_run: false\ntrading: {pairs: [BTC/USDT]}\n"
    person = Person("main")
    config = configured(tmp_path, text + "sandbox: true\n")
    confirm(config, person)
    assert "of a test venue (sandbox)" in person.questions[0]
    assert owner_of(configured(tmp_path, text + "ccxt: {demo: true}\n")).accounts == (
        ("main", ("binance", "sandbox", "spot")),
    )
    with pytest.raises(
        WrongOwnerError, match="found positions and trades at a test venue, allowed live"
    ):
        confirm(configured(tmp_path, text), None)
