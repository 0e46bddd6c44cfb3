"""`python -m sqlbulk` is the command `sqlbulk`."""

from sqlbulk.cli import console

console()
