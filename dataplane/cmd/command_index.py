#!/usr/bin/env python3
"""Builds the command index at compile time: ids, and a const hash table from name to row.

Reads the row arrays of the files it is given (COMMAND, CONTAINER and SUBCOMMAND lines of
`const struct command x[] = { ... };`) and writes command_ids.h and command_index.c. Ids number the top
level first, then the subcommands, so ids below COMMAND_TOP_COUNT are the commands of COMMAND COUNT.

usage: command_index.py ids.h index.c rows.c...
"""
import re
import sys

ARRAY = re.compile(r'^const struct command (\w+)\[\] = \{(.*?)^\};', re.M | re.S)
ROW = re.compile(r'^\s*(COMMAND|CONTAINER|SUBCOMMAND)\(\s*(\w+),\s*"([^"]+)"(?:,\s*"([^"]+)")?', re.M)
TAIL_MULTIPLIER = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
TRIES = 3000


def read_rows(paths):
    """Every row as (kind, id symbol, name or container|name, array, index), in file order."""
    rows = []
    for path in paths:
        for array in ARRAY.finditer(open(path).read()):
            for index, row in enumerate(ROW.finditer(array.group(2))):
                kind, symbol, first, second = row.groups()
                rows.append((kind, symbol, first + '|' + second if second else first, array.group(1), index))
    return rows


def words(name):
    """The two words that command_find compares: the first 8 bytes, and the last 8 of longer names."""
    raw = name.encode()
    head = int.from_bytes(raw[:8], 'little')
    tail = int.from_bytes(raw[-8:], 'little') if len(raw) > 8 else 0
    return head, tail


def slot_of(name, multiplier, bits):
    head, tail = words(name)
    mixed = head ^ (tail * TAIL_MULTIPLIER & MASK)
    return (mixed * multiplier & MASK) >> (64 - bits)


def place(names, multiplier, bits):
    """Linear probing; returns the table and the longest probe."""
    size = 1 << bits
    table, longest = [None] * size, 0
    for i, name in enumerate(names):
        at, probe = slot_of(name, multiplier, bits), 1
        while table[at] is not None:
            at, probe = (at + 1) % size, probe + 1
        table[at], longest = i, max(longest, probe)
    return table, longest


def build(names):
    bits = max(6, (len(names) * 4 - 1).bit_length())
    best, multiplier = None, 0x2545F4914F6CDD1D
    for _ in range(TRIES):
        multiplier = (multiplier * 6364136223846793005 + 1442695040888963407) & MASK
        table, longest = place(names, multiplier | 1, bits)
        if best is None or longest < best[1]:
            best = (table, longest, multiplier | 1)
        if longest == 1:
            break
    return bits, best


def main():
    ids_path, index_path, *sources = sys.argv[1:]
    rows = read_rows(sources)
    top = [r for r in rows if r[0] != 'SUBCOMMAND']
    every = top + [r for r in rows if r[0] == 'SUBCOMMAND']
    for what, values in (('id', [r[1] for r in every]), ('name', [r[2] for r in every])):
        twice = sorted({v for v in values if values.count(v) > 1})
        if twice:
            sys.exit('command_index: the same %s twice: %s' % (what, ', '.join(twice)))
    names = [r[2] for r in top]
    bits, (table, longest, multiplier) = build(names)

    with open(ids_path, 'w') as out:
        out.write('// Made by command_index.py from the row arrays.\n#pragma once\nenum command_id {\n')
        out.writelines('    CMD_ID_%s,\n' % r[1] for r in every)
        out.write('    COMMAND_COUNT,\n    COMMAND_TOP_COUNT = %d,\n' % len(top))
        out.write('    COMMAND_SLOT_BITS = %d,\n    COMMAND_PROBE_MAX = %d,\n};\n' % (bits, longest))
        out.write('#define COMMAND_TAIL_MULTIPLIER 0x%xull\n' % TAIL_MULTIPLIER)
        out.write('#define COMMAND_MULTIPLIER 0x%xull\n' % multiplier)
    with open(index_path, 'w') as out:
        out.write('// Made by command_index.py from the row arrays.\n#include "dataplane/cmd/cmd_index.h"\n')
        out.writelines('extern const struct command %s[];\n' % a for a in dict.fromkeys(r[3] for r in every))
        out.write('const struct command *const command_rows[COMMAND_COUNT] = {\n')
        out.writelines('    &%s[%d], // %s\n' % (r[3], r[4], r[2]) for r in every)
        out.write('};\nconst struct command_words command_words[COMMAND_TOP_COUNT] = {\n')
        for name in names:
            head, tail = words(name)
            out.write('    { 0x%016xull, 0x%016xull, %d }, // %s\n' % (head, tail, len(name), name))
        out.write('};\nconst uint16_t command_slots[1 << COMMAND_SLOT_BITS] = {\n')
        for at in range(0, 1 << bits, 8):
            out.write('    ' + ' '.join('%d,' % (0xffff if v is None else v) for v in table[at:at + 8]) + '\n')
        out.write('};\n')


main()
