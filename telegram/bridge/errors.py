"""Errors of the bridge: what the caller must do.

BridgeError
├── IllegalStepError    a receipt was asked to go where it cannot: a bug here or in a peer; log it
├── RefusalError        a command is not carried out; the text is for the person who sent it
└── QuestionError       an answer fits no open question; the text is for the person
"""


class BridgeError(Exception):
    """Stand above every error that the bridge raises on its own."""


class IllegalStepError(BridgeError):
    """Say that a state machine has no such step; its state is unchanged."""


class RefusalError(BridgeError):
    """Say, in words for the person, why nothing was done."""


class QuestionError(BridgeError):
    """Say, in words for the person, why an answer was not understood."""
