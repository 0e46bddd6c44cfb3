"""`python -m sqlbulk` is the command `sqlbulk`."""

import sys

from sqlbulk.cli import main

sys.exit(main())
