"""Bots that go without goodbye: noticed, announced once, and their return."""
