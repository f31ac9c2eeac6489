"""Copperleaf's dashboard: a host application of Atlas Hub, to copy from."""
