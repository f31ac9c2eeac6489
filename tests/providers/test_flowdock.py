"""flowdock."""
