"""`python -m atlas_hub`: the command line."""

from __future__ import annotations

from atlas_hub.cli import main

main(prog_name="atlas-hub")
