#!/usr/bin/env python3
"""Checks what a reviewer would otherwise have to: who includes whom, headers' shape, line lengths, mutable globals.

usage: tidy.py [SOURCE_ROOT]      run by meson's suite "unit"; prints one line per finding, exits 1 when there are any

The layers are those of the design: a folder sees the folders listed for it and itself. The table is the rule; change
it on purpose.
"""
import os
import re
import sys

BASE = {"dataplane/base"}
DATAPLANE = {"dataplane/" + name for name in ("base", "lane", "conf", "acl", "nic", "sock", "net", "tls", "resp", "script", "keyspace", "types", "cmd")} | {"storage/aof", "storage/rdb"}
SEES = {
    "dataplane/base": set(),
    "dataplane/lane": BASE,
    "dataplane/conf": BASE,
    "dataplane/acl": BASE,
    "dataplane/resp": BASE,
    "dataplane/script": BASE | {"dataplane/resp"},
    "dataplane/keyspace": BASE,
    "dataplane/types": BASE | {"dataplane/keyspace", "storage/rdb"},
    "dataplane/nic": BASE,
    "dataplane/sock": BASE,
    "dataplane/tls": BASE,
    "dataplane/net": BASE | {"dataplane/nic/frame.h"},
    "dataplane/cmd": BASE | {"dataplane/acl", "dataplane/resp", "dataplane/script", "dataplane/keyspace", "dataplane/types", "dataplane/conf", "dataplane/lane",
                             "storage/aof", "storage/rdb"},
    "storage": BASE | {"dataplane/lane"},
    "storage/aof": BASE,
    "storage/rdb": BASE,
    "dataplane/shard": DATAPLANE | {"storage"},
    "control": BASE | {"dataplane/lane", "dataplane/conf"},
    "tools": BASE | {"dataplane/lane", "dataplane/conf", "dataplane/keyspace", "dataplane/types", "storage/aof", "storage/rdb"},
    "tools/bench": BASE | {"dataplane/nic", "dataplane/net"},
}
# Libraries that stay in their own corner.
KEPT = {
    "rte_": ("dataplane/nic/nic_dpdk",),
    "liburing": ("dataplane/sock/", "storage/disk_uring"),
    "jemalloc/": ("dataplane/base/heap",),
    "systemd/": ("control/",),
    "microhttpd.h": ("control/metrics.c",),
    "openssl/": ("dataplane/types/digest", "dataplane/acl/acl_password", "dataplane/tls/", "tools/bench/tls_link"),
    "lzf.h": ("storage/rdb/rdb_lzf",),
    "lua": ("dataplane/script/",),
    "lauxlib.h": ("dataplane/script/",),
}
COLUMNS_MAX = 100
GENERATED = {"dataplane/cmd/cmd_docs.c"}
# A definition at file scope that can be written: no const, no function, no extern.
GLOBAL = re.compile(r"^static (?!inline|const|command_body|_Thread_local const)(?!.*\bconst\b)[\w\s\*]+?\b\w+(\[[^\]]*\])*\s*(=|;)")
# Mains, and signal handlers, which cannot be handed an argument.
GLOBALS_ALLOWED = {"dataplane/lane/crash.c", "dataplane/base/file_view.c", "tools/bench/bench.c"}
# Rows of the command table stand on one line each: the index is made from them.
ROW = re.compile(r"^\s+(COMMAND|CONTAINER|SUBCOMMAND)\(")


def sources(root):
    for top in ("dataplane", "control", "storage", "cluster", "tools"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def may_include(folder, header):
    allowed = SEES.get(folder)
    if allowed is None or os.path.dirname(header) == folder:
        return allowed is not None
    return header in allowed or os.path.dirname(header) in allowed


def check_includes(path, lines):
    folder = os.path.dirname(path)
    for number, line in enumerate(lines, 1):
        match = re.match(r'#include ([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        quote, header = match.groups()
        if quote == '"' and not may_include(folder, header):
            yield number, f"{folder} may not include {header}"
        for word, homes in KEPT.items():
            if header.startswith(word) and not path.startswith(homes):
                yield number, f"{header} belongs to {' '.join(homes)} only"


def check_header(lines, path):
    if not lines[0].startswith(f"// {os.path.basename(path)}: "):
        yield 1, "a header opens with '// name.h: what it is'"
    head = []
    for line in lines:
        if not line.startswith("//"):
            break
        head.append(line)
    if lines[len(head)].strip() != "#pragma once":
        yield len(head) + 1, "#pragma once follows the header's opening comment"


def check(path, lines):
    yield from check_includes(path, lines)
    if path.endswith(".h"):
        yield from check_header(lines, path)
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX and path not in GENERATED and not ROW.match(line):
            yield number, f"{len(line)} columns"
        if "\t" in line and path not in GENERATED:
            yield number, "tab"
        if path.endswith(".c") and path not in GLOBALS_ALLOWED and GLOBAL.match(line):
            yield number, "mutable at file scope"


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..")
    files = list(sources(root))
    findings = 0
    for path in files:
        with open(os.path.join(root, path), encoding="utf-8") as source:
            lines = source.read().splitlines() or [""]
        for number, text in check(path, lines):
            print(f"{path}:{number}: {text}")
            findings += 1
    print(f"{len(files)} files, {findings} findings")
    return 1 if findings or not files else 0


sys.exit(main())
