"""Browser tests: the hub as it is served, in Chromium. A package, so that what they share ends with them."""
