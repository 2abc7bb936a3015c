"""Run the command as `python -m digits`."""

from digits.cli import main

main()
