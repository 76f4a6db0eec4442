"""What stands between an intent and an order: size, limits, the kill latch, approval."""
