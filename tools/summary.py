#!/usr/bin/env python3
"""Adds up meson's test logs (one JSON object a line) and prints "N passed, N failed" as the last line.

A log that is missing or empty counts as a failure: no tests is no success.
usage: summary.py LOG...   (a folder stands for its meson-logs/testlog.json)
"""
import json
import os
import sys

FINE = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}


def rows_of(path):
    if os.path.isdir(path):
        path = os.path.join(path, "meson-logs", "testlog.json")
    try:
        with open(path, encoding="utf-8") as log:
            return [json.loads(line) for line in log if line.strip()]
    except OSError:
        return []


def main():
    passed, failed, skipped = 0, [], []
    for path in sys.argv[1:]:
        rows = rows_of(path)
        if not rows:
            failed.append(f"{path}: no test ran")
        for row in rows:
            if row["result"] in FINE:
                passed += 1
            elif row["result"] in SKIPPED:
                skipped.append(row["name"])
            else:
                failed.append(f"{row['name']}: {row['result']}")
    for name in skipped:
        print(f"skipped: {name}")
    for name in failed:
        print(f"failed:  {name}")
    tail = f", {len(skipped)} skipped" if skipped else ""
    print(f"{passed} passed, {len(failed)} failed{tail}")
    return 1 if failed or not passed else 0


sys.exit(main())
