#!/usr/bin/env python3
"""Runs every libFuzzer harness of a build folder for some seconds, two at a time.

usage: fuzz.py [--seconds N] [--report FILE] BUILD_FOLDER
A crash leaves its input in BUILD_FOLDER/fuzz-findings/ and is printed with the command that replays it.
"""
import argparse
import concurrent.futures
import glob
import json
import os
import subprocess
import sys


def run(harness, seconds, folder):
    name = os.path.basename(harness)
    corpus = os.path.join(folder, "fuzz-corpus", name)
    findings = os.path.join(folder, "fuzz-findings", name + "-")
    os.makedirs(corpus, exist_ok=True)
    os.makedirs(os.path.dirname(findings), exist_ok=True)
    seeds = os.path.join("tests", "fuzz", "corpus", name.removeprefix("fuzz_"))
    command = [harness, f"-max_total_time={seconds}", "-print_final_stats=1", "-rss_limit_mb=4096",
               f"-artifact_prefix={findings}", corpus]
    if os.path.isdir(seeds):
        command.append(seeds)
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds + 120, check=False)
        text, good = done.stdout.decode(errors="replace"), done.returncode == 0
    except subprocess.TimeoutExpired as late:
        text, good = (late.stdout or b"").decode(errors="replace"), False
    units = [line.split()[-1] for line in text.splitlines() if "number_of_executed_units" in line]
    print(f"{name}: {'ok' if good else 'FAILED'}, {units[0] if units else '?'} inputs in {seconds} s", flush=True)
    if not good:
        print("\n".join(text.splitlines()[-60:]))
    return {"name": name, "result": "OK" if good else "FAIL"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--report")
    parser.add_argument("folder")
    options = parser.parse_args()
    harnesses = sorted(path for path in glob.glob(os.path.join(options.folder, "tests", "fuzz", "fuzz_*"))
                       if os.access(path, os.X_OK) and os.path.isfile(path))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda h: run(h, options.seconds, options.folder), harnesses))
    if options.report:
        with open(options.report, "w", encoding="utf-8") as report:
            report.writelines(json.dumps(row) + "\n" for row in rows)
    return 0 if rows and all(row["result"] == "OK" for row in rows) else 1


sys.exit(main())
