"""Brokers: what carries orders to a venue, simulated or real."""
