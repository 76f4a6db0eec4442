"""Strategies: their contract, how they are loaded, and the library that comes with the bot."""
