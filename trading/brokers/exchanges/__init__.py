"""The exchanges that ccxt speaks to: each in its own words, and what they all share."""
