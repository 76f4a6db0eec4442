"""What comes in from the messenger: who may say what where, noted before it is acted on."""
