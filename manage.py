#!/usr/bin/env python
"""Django's command line for Logix."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logix.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as err:
        raise SystemExit(
            "Django is not installed for this Python. Run `make setup`, use .venv/bin/python."
        ) from err
    from logix.environment import settings_or_exit

    settings_or_exit()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
