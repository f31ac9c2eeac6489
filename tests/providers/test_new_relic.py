"""new_relic."""
