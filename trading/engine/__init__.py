"""The engine: a pure core that turns events into effects, and the thread that drives it."""
