"""Bounds the time that strategy code takes: interrupts a call, ends a frozen process, names it."""
