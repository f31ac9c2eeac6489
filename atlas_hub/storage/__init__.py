"""What is kept: tables, queries, the vault. The only layer that knows SQL."""
