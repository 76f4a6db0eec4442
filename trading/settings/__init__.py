"""The sections of a bot's `config.yaml`, as models, and what must hold between them."""
