"""Market data: where ticks and candles come from, and how ticks become candles."""
