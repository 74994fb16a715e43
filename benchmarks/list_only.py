"""The floor of a scan that finds nothing changed: lists all files of a tree with their stamps, and keeps nothing.

Run by `benchmarks.scan` in a process of its own: `python -m benchmarks.list_only ROOT`.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    folders = [sys.argv[1]]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
