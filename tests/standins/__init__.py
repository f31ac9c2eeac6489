"""Stand-in vendors on loopback, for tests, browser tests and the demo."""
