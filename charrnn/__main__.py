"""Run the command line: the entry point of `charrnn` and `python -m charrnn`."""

import sys

from charrnn.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
