"""Measures what issue-level promises say of speed and size: `python -m tests.bench`. No part of the test suite's run."""
