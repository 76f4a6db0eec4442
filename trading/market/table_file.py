"""Choose how to read a market data file by its name."""

import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from trading.market.arrow_table import open_feather_table, open_parquet_table
from trading.market.csv_table import open_csv_table
from trading.market.errors import FeedError, shown
from trading.market.table import Table

_FORMATS: dict[str, Callable[[Path], AbstractContextManager[Table]]] = {
    ".csv": open_csv_table,
    ".csv.gz": open_csv_table,
    ".parquet": open_parquet_table,
    ".feather": open_feather_table,
}
FORMATS_ALLOWED = "a file named " + ", ".join(f"*{suffix}" for suffix in _FORMATS)


def open_table(file: Path) -> AbstractContextManager[Table]:
    """Open a market data file of any known format."""
    suffix = next((suffix for suffix in _FORMATS if file.name.lower().endswith(suffix)), None)
    if suffix is None:
        raise FeedError(file, "file", shown(file.name), FORMATS_ALLOWED)
    try:
        mode = file.stat().st_mode
        # A pipe or a device would never end, or never begin.
        if not stat.S_ISREG(mode):
            raise FeedError(file, "file", "no regular file", FORMATS_ALLOWED)
        file.open("rb").close()
    except OSError as error:
        raise FeedError(file, "file", error.strerror or "no file", FORMATS_ALLOWED) from None
    return _FORMATS[suffix](file)
