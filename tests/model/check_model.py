#!/usr/bin/env python3
"""Has spin search the whole state space of a model; says in TAP what it found.

usage: check_model.py MODEL.pml CHECK...
CHECK is NAME:SWITCH,SWITCH,... (the model's switches, none is fine; LIVENESS also searches for fair
cycles). With a ! before NAME the search must find an error: a model that finds nothing tests nothing.
Each search takes at most MEMORY_MB and SECONDS.
"""
import os
import subprocess
import sys
import tempfile

MEMORY_MB = 1000
SECONDS = 240
DEPTH = 1_000_000


def run(folder, command):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS,
                          check=False)


def search(model, switches):
    """What is wrong with the search itself (None: nothing), the errors found, the states seen."""
    lives = "LIVENESS" in switches
    kind = ["-DNFAIR=3"] if lives else ["-DSAFETY"]
    with tempfile.TemporaryDirectory(prefix="penstock-model-") as folder:
        made = run(folder, ["spin", "-a", *[f"-D{s}" for s in switches], model])
        if made.returncode:
            return made.stdout + made.stderr, 0, 0
        built = run(folder, ["cc", "-O2", "-w", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MB}", *kind, "-o",
                             "pan", "pan.c"])
        if built.returncode:
            return built.stderr, 0, 0
        said = run(folder, ["./pan", f"-m{DEPTH}", *(["-a", "-f"] if lives else [])]).stdout
    errors, states, trouble = None, 0, None
    for line in said.splitlines():
        if "errors:" in line:
            errors = int(line.rsplit("errors:", 1)[1])
        elif "states, stored" in line:
            states = int(float(line.split()[0]))
        elif "max search depth too small" in line or "memory limit" in line:
            trouble = line
    # An incomplete search proves nothing, unless it stopped at an error.
    if errors is None or (not errors and (trouble or "Search not completed" in said)):
        return trouble or said, 0, states
    return None, errors, states


def main():
    model = os.path.abspath(sys.argv[1])
    checks = sys.argv[2:]
    print(f"1..{len(checks)}")
    for number, check in enumerate(checks, 1):
        name, _, listed = check.partition(":")
        wanted = name.startswith("!")
        trouble, errors, states = search(model, [s for s in listed.split(",") if s])
        fine = trouble is None and bool(errors) == wanted
        print(f"{'ok' if fine else 'not ok'} {number} - {name.lstrip('!')}: {errors} errors, "
              f"{states} states", flush=True)
        if trouble:
            print("# " + "\n# ".join(trouble.splitlines()))


main()
