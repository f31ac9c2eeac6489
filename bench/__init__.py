"""What the hub costs, each figure against its floor in the same run: `python -m bench`."""
