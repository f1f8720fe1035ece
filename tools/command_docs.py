#!/usr/bin/env python3
"""Writes dataplane/cmd/cmd_docs.c: what COMMAND DOCS and COMMAND INFO tell beyond the rows.

usage: tools/command_docs.py commands.tsv > dataplane/cmd/cmd_docs.c    (from the top of the tree)

commands.tsv has the facts of a command in a line (since, group, key specs, tips, syntax, deprecation); it is not
part of the tree, so its path is an argument. The summaries and complexities are the table below: a command that
gets a row in dataplane/cmd gets a line here, then this is run again.
"""
import glob
import re
import sys

# name -> (summary, complexity)
TEXTS = {
    "append": ("Adds bytes to the end of a string; creates the key if it is absent.", "O(1) amortised"),
    "auth": ("Proves who the client is.", "O(1)"),
    "client": ("Holds the commands about client connections.", "Depends on subcommand."),
    "client|getname": ("Tells the name of the connection.", "O(1)"),
    "client|help": ("Lists the subcommands.", "O(1)"),
    "client|id": ("Tells the number of the connection, which is never used again.", "O(1)"),
    "client|info": ("Describes the connection.", "O(1)"),
    "client|kill": ("Closes connections that match.", "O(N) with N client connections"),
    "client|list": ("Describes all connections, or those that match.", "O(N) with N client connections"),
    "client|no-evict": ("Spares the connection when clients are evicted.", "O(1)"),
    "client|no-touch": ("Keeps the connection's commands from touching the access clock of keys.", "O(1)"),
    "client|reply": ("Switches the replies to the connection on or off.", "O(1)"),
    "client|setinfo": ("Tells the server about the client library.", "O(1)"),
    "client|setname": ("Gives the connection a name.", "O(1)"),
    "command": ("Describes all commands.", "O(N) with N commands"),
    "command|count": ("Counts the commands.", "O(1)"),
    "command|docs": ("Documents one, several or all commands.", "O(N) with N commands looked up"),
    "command|getkeys": ("Extracts the key names of a command.", "O(N) with N arguments"),
    "command|getkeysandflags": ("Extracts the key names of a command and how it uses them.", "O(N) with N arguments"),
    "command|help": ("Lists the subcommands.", "O(1)"),
    "command|info": ("Describes one, several or all commands.", "O(N) with N commands looked up"),
    "command|list": ("Lists the names of commands.", "O(N) with N commands"),
    "config": ("Holds the commands about the server's configuration.", "Depends on subcommand."),
    "config|get": ("Shows the directives that match and their values.", "O(N) with N directives"),
    "config|help": ("Lists the subcommands.", "O(1)"),
    "config|resetstat": ("Sets the counters of INFO back to zero.", "O(1)"),
    "config|set": ("Changes directives while the server runs, all of them or none.", "O(N) with N directives given"),
    "copy": ("Copies a key's value to another key.", "O(1) for strings, O(N) with N elements otherwise"),
    "dbsize": ("Counts the keys of the database.", "O(1)"),
    "debug": ("Looks inside the server; for developers.", "Depends on subcommand."),
    "decr": ("Takes one from the integer at a key; an absent key counts as 0.", "O(1)"),
    "decrby": ("Takes a number from the integer at a key; an absent key counts as 0.", "O(1)"),
    "del": ("Deletes keys.", "O(N) with N keys; large values are freed in slices afterwards"),
    "echo": ("Gives the message back.", "O(1)"),
    "exists": ("Counts which of the keys exist.", "O(N) with N keys"),
    "expire": ("Gives a key a time to live in seconds.", "O(1)"),
    "expireat": ("Gives a key a deadline as a Unix time in seconds.", "O(1)"),
    "expiretime": ("Tells a key's deadline as a Unix time in seconds.", "O(1)"),
    "flushall": ("Removes all keys of all databases.", "O(1) at once; the memory is freed in slices"),
    "flushdb": ("Removes all keys of the database.", "O(1) at once; the memory is freed in slices"),
    "get": ("Gives the string at a key.", "O(1)"),
    "getdel": ("Gives the string at a key and deletes the key.", "O(1)"),
    "getex": ("Gives the string at a key and sets or clears its deadline.", "O(1)"),
    "getrange": ("Gives a part of the string at a key.", "O(N) with N bytes given back"),
    "getset": ("Replaces the string at a key and gives the former one.", "O(1)"),
    "hello": ("Opens the conversation: protocol version, login and name.", "O(1)"),
    "incr": ("Adds one to the integer at a key; an absent key counts as 0.", "O(1)"),
    "incrby": ("Adds a number to the integer at a key; an absent key counts as 0.", "O(1)"),
    "incrbyfloat": ("Adds a number to the float at a key; an absent key counts as 0.", "O(1)"),
    "info": ("Shows the state and the counters of the server.", "O(1)"),
    "keys": ("Gives all key names that match a pattern.", "O(N) with N keys in the database"),
    "lcs": ("Finds the longest common subsequence of two strings.", "O(N*M) with strings of N and M bytes"),
    "mget": ("Gives the strings at several keys at one moment.", "O(N) with N keys"),
    "move": ("Moves a key to another database.", "O(1)"),
    "mset": ("Sets several keys at one moment.", "O(N) with N keys"),
    "msetnx": ("Sets several keys at one moment if none of them exists.", "O(N) with N keys"),
    "object": ("Holds the commands about what is behind a key.", "Depends on subcommand."),
    "object|encoding": ("Tells how a value is kept in memory.", "O(1)"),
    "object|freq": ("Tells the access counter of a key under an LFU policy.", "O(1)"),
    "object|help": ("Lists the subcommands.", "O(1)"),
    "object|idletime": ("Tells for how long a key has not been used.", "O(1)"),
    "object|refcount": ("Tells how many hold a value.", "O(1)"),
    "persist": ("Takes a key's deadline away.", "O(1)"),
    "pexpire": ("Gives a key a time to live in milliseconds.", "O(1)"),
    "pexpireat": ("Gives a key a deadline as a Unix time in milliseconds.", "O(1)"),
    "pexpiretime": ("Tells a key's deadline as a Unix time in milliseconds.", "O(1)"),
    "ping": ("Shows that the server lives; gives the message back if there is one.", "O(1)"),
    "psetex": ("Sets a key to a string with a time to live in milliseconds.", "O(1)"),
    "pttl": ("Tells a key's time to live in milliseconds.", "O(1)"),
    "quit": ("Closes the connection.", "O(1)"),
    "randomkey": ("Gives the name of some key.", "O(1)"),
    "rename": ("Gives a key another name, replacing what has it.", "O(1)"),
    "renamenx": ("Gives a key another name unless a key has it.", "O(1)"),
    "reset": ("Puts the connection back into its first state.", "O(1)"),
    "scan": ("Walks over the key names, a part per call.", "O(1) per call, O(N) for all of N keys"),
    "select": ("Chooses the database of the connection.", "O(1)"),
    "set": ("Sets a key to a string, whatever it held before.", "O(1)"),
    "setex": ("Sets a key to a string with a time to live in seconds.", "O(1)"),
    "setnx": ("Sets a key to a string if it does not exist.", "O(1)"),
    "setrange": ("Overwrites a part of the string at a key.", "O(N) with N bytes written"),
    "shutdown": ("Stops the server.", "O(N) with N keys when it saves, else O(1)"),
    "strlen": ("Tells the length of the string at a key.", "O(1)"),
    "substr": ("Gives a part of the string at a key.", "O(N) with N bytes given back"),
    "swapdb": ("Exchanges two databases.", "O(1)"),
    "time": ("Tells the server's clock.", "O(1)"),
    "touch": ("Renews the access clock of keys; counts those that exist.", "O(N) with N keys"),
    "ttl": ("Tells a key's time to live in seconds.", "O(1)"),
    "type": ("Tells the type of the value at a key.", "O(1)"),
    "unlink": ("Deletes keys; their memory is freed later.", "O(1) per key"),
}
REPLACED_BY = {
    "getset": "`SET` with the `!GET` argument", "psetex": "`SET` with the `PX` argument",
    "setex": "`SET` with the `EX` argument", "setnx": "`SET` with the `NX` argument", "substr": "`GETRANGE`",
    "quit": "just closing the connection",
}
SYSCMD = {"debug"}
NOTES = {"set": "RW and ACCESS due to the optional `GET` argument", "getex": "RW and UPDATE because it changes the TTL"}
NOT_HERE = "|primary"  # a word of another server's syntax
# Names of groups, by the words of their alternatives.
GROUPS = {
    "NX|XX": "condition", "NX|XX|GT|LT": "condition", "ASYNC|SYNC": "flush-type", "ON|OFF": "enabled",
    "ON|OFF|SKIP": "action", "YES|NO": "skipme", "NOSAVE|SAVE": "save-selector", "MODULE|ACLCAT|PATTERN": "filterby",
    "normal|master|replica|pubsub": "client-type", "normal|master|slave|replica|pubsub": "client-type",
    "lib-name|lib-ver": "attr", "old-format|ID": "filter", "ID|TYPE|USER|ADDR|LADDR|SKIPME|MAXAGE": "new-format",
    "NOSAVE|ABORT": "how",
}

ROW = re.compile(r'^\s*(COMMAND|CONTAINER|SUBCOMMAND)\(\s*(\w+),\s*"([^"]+)"(?:,\s*"([^"]+)")?', re.M)
ARRAY = re.compile(r'^const struct command (\w+)\[\] = \{(.*?)^\};', re.M | re.S)
TOKEN = re.compile(r'\.\.\.|[\[\]<>|]|[^\[\]<>|\s]+')


def read_rows():
    """(id, full name) of every row of dataplane/cmd."""
    rows = []
    for path in sorted(glob.glob("dataplane/cmd/cmd_*.c")):
        for array in ARRAY.finditer(open(path, encoding="utf-8").read()):
            for kind, symbol, first, second in ROW.findall(array.group(2)):
                rows.append((symbol, first + "|" + second if kind == "SUBCOMMAND" else first))
    return rows


def read_facts(path):
    facts = {}
    with open(path, encoding="utf-8") as lines:
        names = next(lines).rstrip("\n").split("\t")
        for line in lines:
            fact = dict(zip(names, line.rstrip("\n").split("\t")))
            facts[fact["command"]] = fact
    return facts


class Syntax:
    """The syntax column as a tree: [x] optional, <a|b> one of, NAME token, name:type value, '...' repeats."""

    def __init__(self, text):
        self.words = TOKEN.findall(text)
        self.at = 0

    def peek(self):
        return self.words[self.at] if self.at < len(self.words) else None

    def take(self):
        self.at += 1
        return self.words[self.at - 1]

    def sequence(self, stop):
        """Items up to one of the words in stop; then folded: tokens with what they name, repetitions."""
        items = []
        while self.peek() is not None and self.peek() not in stop:
            items.append(self.item())
        return fold(items)

    def item(self):
        word = self.take()
        if word == "[":
            inner = self.sequence("]")
            self.take()
            return {"kind": "optional", "items": inner}
        if word == "<":
            choices = [self.sequence("|>")]
            while self.take() == "|":
                choices.append(self.sequence("|>"))
            return {"kind": "oneof", "choices": choices}
        if word == "...":
            return {"kind": "dots"}
        if ":" in word:
            name, kind = word.rsplit(":", 1)
            return {"kind": "value", "name": name, "type": kind}
        return {"kind": "token", "word": word}


def strip_dots(items):
    return [i for i in items if i["kind"] != "dots"]


def fold(items):
    """x [x ...] becomes x, multiple. The repeated part may be several items."""
    out = list(items)
    for i, item in enumerate(out):
        if item["kind"] != "optional" or not item["items"] or item["items"][-1]["kind"] != "dots":
            continue
        part = strip_dots(item["items"])
        if i >= len(part) and out[i - len(part):i] == part:
            return out[:i - len(part)] + [{"kind": "many", "items": part}] + fold(out[i + 1:])
    return out


def first_word(items):
    if not items:
        return "?"
    i = items[0]
    if i["kind"] in ("optional", "many"):
        return first_word(i["items"])
    if i["kind"] == "oneof":
        return first_word(i["choices"][0])
    return i["word"] if i["kind"] == "token" else i["name"]


def group_name(choices):
    words = "|".join(first_word(c) for c in choices)
    if words in GROUPS:
        return GROUPS[words]
    if "EX" in words.split("|"):
        return "expiration"
    return "-".join(w.lower() for w in words.split("|"))


def make(items):
    """Items to arguments: dicts with name, type, token, flags, arguments."""
    out, at = [], 0
    while at < len(items):
        item = items[at]
        at += 1
        if item["kind"] == "token" and at < len(items) and items[at]["kind"] in ("value", "oneof", "many"):
            # What follows the token up to the next one is what it names.
            end = at + 1
            while end < len(items) and items[end]["kind"] == "value":
                end += 1
            named = make(items[at:end])
            at = end
            argument = named[0] if len(named) == 1 else {"name": item["word"].lower(), "type": "block",
                                                         "arguments": named}
            argument["token"] = item["word"]
            out.append(argument)
        elif item["kind"] == "token":
            out.append({"name": item["word"].lower(), "type": "pure-token", "token": item["word"]})
        elif item["kind"] == "value":
            out.append({"name": item["name"], "type": item["type"]})
        else:
            out.append(make_group(item))
    return out


def one_of(arguments, name):
    return arguments[0] if len(arguments) == 1 else {"name": name, "type": "block", "arguments": arguments}


def make_group(item):
    if item["kind"] == "oneof":
        choices = [one_of(make(c), first_word(c).lower()) for c in item["choices"]]
        return {"name": group_name(item["choices"]), "type": "oneof", "arguments": choices}
    inner = make(item["items"])
    argument = one_of(inner, "-".join(a["name"] for a in inner) if item["kind"] == "many" else "arguments")
    if item["kind"] == "many":
        flags = {"multiple", "multiple_token"} if argument.get("token") else {"multiple"}
        argument["flags"] = argument.get("flags", set()) | flags
    else:
        argument["flags"] = argument.get("flags", set()) | {"optional"}
    return argument


SPEC = re.compile(r'(unknown|index\(([-\d]+)\)|keyword\((\w+),([-\d]+)\)) '
                  r'(unknown|(?:range|keynum)\(([-\d]+),([-\d]+),([-\d]+)\)) \{([A-Z_,]*)\}')


def make_key_spec(text, notes):
    m = SPEC.fullmatch(text.strip())
    begin, index, keyword, start, find, a, b, c, flags = m.groups()
    return {
        "begin": "UNKNOWN" if begin == "unknown" else "KEYWORD" if keyword else "INDEX", "keyword": keyword,
        "start": index or start or "0", "find": "UNKNOWN" if find == "unknown" else find.split("(")[0].upper(),
        "values": (a or "0", b or "0", c or "0"), "flags": flags.split(","), "notes": notes,
    }


def assign_keys(arguments, key_specs, state):
    """Key arguments take the specs in order; the last spec stays for what is left."""
    for a in arguments:
        if a["type"] == "key":
            a["key_spec"] = min(state[0], len(key_specs) - 1)
            state[0] += 1
        assign_keys(a.get("arguments", []), key_specs, state)


def c_text(text):
    return "NULL" if not text else '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


class Writer:
    def __init__(self):
        self.parts = []

    def arguments(self, name, arguments):
        rows = []
        for i, a in enumerate(arguments):
            inner = a.get("arguments", [])
            inner_name = "%s_%d" % (name, i)
            if inner:
                self.arguments(inner_name, inner)
            flags = [f for f in ("optional", "multiple", "multiple_token") if f in a.get("flags", ())]
            rows.append("    { %s, %s, %s, %d, %s, %d, %s },\n" % (
                c_text(a["name"]), c_text(a["type"]), c_text(a.get("token")), a.get("key_spec", -1),
                " | ".join("ARGUMENT_" + f.upper() for f in flags) or "0", len(inner), inner_name if inner else "NULL"))
        self.parts.append("static const struct command_argument %s[] = {\n%s};\n" % (name, "".join(rows)))

    def key_specs(self, name, specs):
        rows = ["    { %s, %s, KEY_BEGIN_%s, KEY_FIND_%s, %s, %s, { %s } },\n" % (
            c_text(s["notes"]), " | ".join("KEY_" + f for f in s["flags"]), s["begin"], s["find"],
            c_text(s["keyword"]), s["start"], ", ".join(s["values"])) for s in specs]
        self.parts.append("static const struct command_key_spec %s[] = {\n%s};\n" % (name, "".join(rows)))


def command_part(writer, symbol, name, fact):
    base = "doc_" + symbol.lower()
    summary, complexity = TEXTS[name]
    arguments = make(Syntax(fact["syntax"].replace(NOT_HERE, "")).sequence(""))
    specs = [make_key_spec(t, NOTES.get(name)) for t in fact["key_specs"].split(";") if t.strip()]
    tips = [t for t in fact["tips"].split(",") if t]
    assign_keys(arguments, specs, [0])
    fields = [".summary = " + c_text(summary), ".since = " + c_text(fact["since"]), ".group = " + c_text(fact["group"]),
              ".complexity = " + c_text(complexity)]
    if fact["deprecated_since"]:
        fields += [".deprecated_since = " + c_text(fact["deprecated_since"]),
                   ".replaced_by = " + c_text(REPLACED_BY.get(name))]
    if name in SYSCMD:
        fields.append(".is_syscmd = true")
    if tips:
        writer.parts.append("static const char *const %s_tips[] = { %s };\n" % (base, ", ".join(map(c_text, tips))))
        fields += [".tip_count = %d" % len(tips), ".tips = %s_tips" % base]
    if specs:
        writer.key_specs(base + "_keys", specs)
        fields += [".key_spec_count = %d" % len(specs), ".key_specs = %s_keys" % base]
    if arguments:
        writer.arguments(base + "_args", arguments)
        fields += [".argument_count = %d" % len(arguments), ".arguments = %s_args" % base]
    return "    [CMD_ID_%s] = { %s },\n" % (symbol, ",\n        ".join(fields))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    facts, writer, rows = read_facts(sys.argv[1]), Writer(), []
    for symbol, name in read_rows():
        for what, table in (("facts", facts), ("text in tools/command_docs.py", TEXTS)):
            if name not in table:
                sys.exit("%s: no %s" % (name, what))
        rows.append(command_part(writer, symbol, name, facts[name]))
    print("// Made by tools/command_docs.py from the rows of dataplane/cmd and the facts in commands.tsv; not edited\n"
          "// by hand.\n"
          '#include "dataplane/cmd/cmd_docs.h"\n#include "dataplane/cmd/command_ids.h"\n\n// clang-format off')
    print("\n".join(writer.parts))
    print("const struct command_docs command_docs[COMMAND_COUNT] = {\n%s};" % "".join(rows))


main()
