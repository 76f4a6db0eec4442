"""Tests; a package so that they share tests.waiting and tests.processes, whatever is installed."""
