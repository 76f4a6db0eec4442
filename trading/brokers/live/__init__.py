"""What every live account needs around its venue: order tracking, limits, a breaker, a thread."""
