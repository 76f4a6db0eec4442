"""The version of the application, the same for both processes."""

VERSION = "0.1.0"
