"""Values that earlier runs left: what no engine can have kept ends the start in words."""

from pathlib import Path

import pytest

from daemonkit.errors import StateError
from tests.trading_tests.engine.floor import Floor
from tests.trading_tests.makers import BTC
from trading.saved_values import check_saved_values

HERE = Path("state.db")


def test_what_an_engine_keeps_can_be_read() -> None:
    floor = Floor()
    floor.tick(100.0)
    floor.do("buy", BTC, "1")
    floor.ticks(100.0, 120.0, 120.0)
    floor.do("stopbuying", BTC)
    floor.do("emergency")
    floor.do("flatten")
    floor.memory.values["quarantine.one"] = '{"reason":"too slow","fingerprint":"f"}'
    floor.memory.values["alert_series.next"] = "anything"
    check_saved_values(floor.memory.values, HERE)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("cash.main", value) for value in ("", "lots", "NaN", "Infinity")),
        *(("capital.main", value) for value in ("lots", "NaN", "-5", "0")),
        *(("market.time", value) for value in ("now", "inf", "nan", "-1", "1e300")),
        *(("marks.main", value) for value in ("{", "[]x", '{"BTC/USDT":"x"}', '{"BTC/USDT":true}')),
        *(("trading.flags", value) for value in ("{", "[]", '{"trading":"MAYBE"}')),
        *(("trading.kill", value) for value in ("{", "null")),
        *(("trading.limits", value) for value in ("{", "[]")),
        *(
            ("trading.day", value)
            for value in ("{}", '{"day":1,"realised":{}}', '{"day":"","realised":[]}')
        ),
        *(("trading.flatten", value) for value in ("{", "[1]", "5")),
        *(("trading.unvalued_fees", value) for value in ("{", "[1]", '[["a","b","c","NaN",1]]')),
        *(("quarantine.one", value) for value in ("{}", "[]", '{"reason":1,"fingerprint":""}')),
    ],
)
def test_what_no_engine_can_have_kept_is_refused_and_named(key: str, value: str) -> None:
    with pytest.raises(StateError) as caught:
        check_saved_values({"run.clean_stop": "yes", key: value}, HERE, restore_hint="restore it")
    text = str(caught.value)
    assert text.startswith(f"state.db: state_value {key}: found ")
    assert text.endswith("left untouched; restore a backup: restore it")
    assert len(text) < 400
    assert "\n" not in text
