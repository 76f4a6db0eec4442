"""What a bot leaves beside its database for people and scripts: trades.jsonl and state.json."""
