"""Benchmarks that anyone can run; each compares with a reference in the same sitting."""
