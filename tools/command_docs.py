#!/usr/bin/env python3
"""Writes dataplane/cmd/cmd_docs.c: what COMMAND DOCS and COMMAND INFO tell beyond the rows.

usage: tools/command_docs.py commands.tsv > dataplane/cmd/cmd_docs.c    (from the top of the tree)

commands.tsv has the facts of a command in a line (since, group, key specs, tips, syntax, deprecation); it is not
part of the tree, so its path is an argument. The summaries and complexities are the table below: a command that
gets a row in dataplane/cmd gets a line here, then this is run again.
"""
import re
import sys

# name -> (summary, complexity)
TEXTS = {
    "acl": ("Holds the commands about users and what they may do.", "Depends on subcommand."),
    "acl|cat": ("Names the categories of commands, or the commands of one.", "O(1)"),
    "acl|deluser": ("Removes users and closes their connections.", "O(N) with N client connections"),
    "acl|dryrun": ("Tells whether a user may run a command, without running it.", "O(1)"),
    "acl|genpass": ("Makes up a password.", "O(1)"),
    "acl|getuser": ("Shows a user and its rules.", "O(N) with N rules of the user"),
    "acl|help": ("Lists the subcommands.", "O(1)"),
    "acl|list": ("Shows all users as lines of a configuration.", "O(N) with N users"),
    "acl|load": ("Takes all users from the aclfile, or none.", "O(N) with N users"),
    "acl|log": ("Shows what was denied lately, and to whom.", "O(N) with N entries shown"),
    "acl|save": ("Writes all users into the aclfile.", "O(N) with N users"),
    "acl|setuser": ("Makes a user, or changes one.", "O(N) with N rules given"),
    "acl|users": ("Names all users.", "O(N) with N users"),
    "acl|whoami": ("Names the user of the connection.", "O(1)"),
    "latency": ("Holds the commands about what took long.", "Depends on subcommand."),
    "latency|doctor": ("Reports what took long and what may help.", "O(1)"),
    "latency|graph": ("Draws the samples of one kind of event.", "O(1)"),
    "latency|help": ("Lists the subcommands.", "O(1)"),
    "latency|histogram": ("Shows how long calls of commands took, as counts per step.", "O(N) with N commands that were called"),
    "latency|history": ("Lists the samples of one kind of event.", "O(1)"),
    "latency|latest": ("Shows the latest sample of each kind of event.", "O(1)"),
    "latency|reset": ("Forgets the samples of some or all kinds of events.", "O(1)"),
    "memory": ("Holds the commands about memory.", "Depends on subcommand."),
    "memory|doctor": ("Reports what is unusual about the use of memory.", "O(1)"),
    "memory|help": ("Lists the subcommands.", "O(1)"),
    "memory|malloc-stats": ("Shows the allocator's own statistics.", "Depends on how much memory is allocated, could be slow"),
    "memory|purge": ("Gives unused pages back to the kernel.", "Depends on how much memory is unused, could be slow"),
    "memory|stats": ("Shows what memory is used for.", "O(1)"),
    "memory|usage": ("Tells the bytes that a key and its value take.", "O(1), O(N) with N consumers for streams"),
    "penstock": ("Holds the commands that only Penstock has.", "Depends on subcommand."),
    "penstock|help": ("Lists the subcommands.", "O(1)"),
    "penstock|move-slots": ("Begins to give a range of slots, with its keys, to a shard.", "O(N) with N keys, in portions"),
    "penstock|move-status": ("Tells how far the moving of slots is.", "O(1)"),
    "penstock|shards": ("Shows the shards of this server, with their slots and keys.", "O(N) with N shards"),
    "multi": ("Opens a transaction.", "O(1)"),
    "exec": ("Runs the commands of the transaction.", "Depends on the commands."),
    "discard": ("Drops the transaction.", "O(N) with N queued commands"),
    "slowlog": ("Holds the commands about the log of slow commands.", "Depends on subcommand."),
    "slowlog|get": ("Shows the latest entries of the log of slow commands.", "O(N) with N entries shown"),
    "slowlog|help": ("Lists the subcommands.", "O(1)"),
    "slowlog|len": ("Counts the entries of the log of slow commands.", "O(1)"),
    "slowlog|reset": ("Empties the log of slow commands.", "O(N) with N entries"),
    "watch": ("Lets the next EXEC do nothing if one of these keys changes before.", "O(N) with N keys"),
    "unwatch": ("Forgets all watched keys.", "O(N) with N watched keys"),
    "publish": ("Sends a message to a channel.", "O(N+M) with N subscribers and M patterns subscribed to by anyone"),
    "spublish": ("Sends a message to a shard channel.", "O(N) with N subscribers"),
    "subscribe": ("Listens to channels.", "O(N) with N channels"),
    "unsubscribe": ("Listens to these channels no more, or to none.", "O(N) with N channels"),
    "psubscribe": ("Listens to all channels whose names match one of the patterns.", "O(N) with N patterns"),
    "punsubscribe": ("Listens to these patterns no more, or to none.", "O(N) with N patterns"),
    "ssubscribe": ("Listens to shard channels.", "O(N) with N shard channels"),
    "sunsubscribe": ("Listens to these shard channels no more, or to none.", "O(N) with N shard channels"),
    "pubsub": ("Holds the commands about channels and those who listen.", "Depends on subcommand."),
    "pubsub|channels": ("Lists the channels with subscribers.", "O(N) with N channels"),
    "pubsub|help": ("Lists the subcommands.", "O(1)"),
    "pubsub|numpat": ("Counts the patterns that are subscribed to.", "O(1)"),
    "pubsub|numsub": ("Counts the subscribers of channels.", "O(N) with N channels asked for"),
    "pubsub|shardchannels": ("Lists the shard channels with subscribers.", "O(N) with N shard channels"),
    "pubsub|shardnumsub": ("Counts the subscribers of shard channels.", "O(N) with N shard channels asked for"),
    "monitor": ("Shows every command that the server runs.", "O(N) with N bytes of arguments, for each command shown"),
    "client|tracking": ("Tells the client when keys that it has read change, or ceases to.", "O(N) with N prefixes"),
    "client|caching": ("Says whether the next command's keys are remembered for the client's cache.", "O(1)"),
    "client|getredir": ("Tells which client is told of changed keys instead of this one.", "O(1)"),
    "client|trackinginfo": ("Describes how the connection's cache is kept up to date.", "O(N) with N prefixes"),
    "append": ("Adds bytes to the end of a string; creates the key if it is absent.", "O(1) amortised"),
    "auth": ("Proves who the client is.", "O(1)"),
    "bitcount": ("Counts the bits set in a range of a string.", "O(N) with N bytes looked at"),
    "bitfield": ("Reads and changes numbers of any width within a string.", "O(1) for each operation"),
    "bitfield_ro": ("Reads numbers of any width within a string.", "O(1) for each operation"),
    "bitop": ("Combines strings bit by bit and stores the result.", "O(N) with N bytes of the longest"),
    "bitpos": ("Finds the first bit set, or clear, in a string.", "O(N) with N bytes looked at"),
    "blmove": ("Moves an element from one list to another, or waits for one.", "O(1)"),
    "blmpop": ("Takes elements from the first list that has some, or waits.", "O(N+M) with N keys and M elements"),
    "blpop": ("Takes the first element of the first list that has one, or waits.", "O(N) with N keys"),
    "brpop": ("Takes the last element of the first list that has one, or waits.", "O(N) with N keys"),
    "brpoplpush": ("Moves the last element of a list to the head of another, or waits for one.", "O(1)"),
    "bzmpop": (
        "Takes members from the first sorted set that has some, or waits.",
        "O(K + M log N) with K keys and M members"),
    "bzpopmax": ("Takes the member with the highest score, or waits for one.", "O(log N)"),
    "bzpopmin": ("Takes the member with the lowest score, or waits for one.", "O(log N)"),
    "client": ("Holds the commands about client connections.", "Depends on subcommand."),
    "client|getname": ("Tells the name of the connection.", "O(1)"),
    "client|help": ("Lists the subcommands.", "O(1)"),
    "client|id": ("Tells the number of the connection, which is never used again.", "O(1)"),
    "client|info": ("Describes the connection.", "O(1)"),
    "client|kill": ("Closes connections that match.", "O(N) with N client connections"),
    "client|list": ("Describes all connections, or those that match.", "O(N) with N client connections"),
    "client|no-evict": ("Spares the connection when clients are evicted.", "O(1)"),
    "client|no-touch": ("Keeps the connection's commands from touching the access clock of keys.", "O(1)"),
    "client|pause": ("Holds the commands of all clients for a while.", "O(1)"),
    "client|reply": ("Switches the replies to the connection on or off.", "O(1)"),
    "client|setinfo": ("Tells the server about the client library.", "O(1)"),
    "client|setname": ("Gives the connection a name.", "O(1)"),
    "client|unpause": ("Lets the commands go on that a pause holds.", "O(N) with N clients held"),
    "client|unblock": ("Lets a client that waits wait no more.", "O(log N) with N clients"),
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
    "config|rewrite": ("Writes the settings of now into the configuration file.", "O(N) with N directives"),
    "config|set": ("Changes directives while the server runs, all of them or none.", "O(N) with N directives given"),
    "copy": ("Copies a key's value to another key.", "O(1) for strings, O(N) with N elements otherwise"),
    "dbsize": ("Counts the keys of the database.", "O(1)"),
    "debug": ("Looks inside the server; for developers.", "Depends on subcommand."),
    "decr": ("Takes one from the integer at a key; an absent key counts as 0.", "O(1)"),
    "decrby": ("Takes a number from the integer at a key; an absent key counts as 0.", "O(1)"),
    "del": ("Deletes keys.", "O(N) with N keys; large values are freed in slices afterwards"),
    "dump": ("Shows a value as bytes that RESTORE takes.", "O(N) with N bytes"),
    "echo": ("Gives the message back.", "O(1)"),
    "eval": ("Runs a script.", "Depends on the script."),
    "eval_ro": ("Runs a script that only reads.", "Depends on the script."),
    "evalsha": ("Runs a script of the script cache, by its SHA-1.", "Depends on the script."),
    "evalsha_ro": ("Runs a script of the script cache that only reads, by its SHA-1.", "Depends on the script."),
    "exists": ("Counts which of the keys exist.", "O(N) with N keys"),
    "expire": ("Gives a key a time to live in seconds.", "O(1)"),
    "expireat": ("Gives a key a deadline as a Unix time in seconds.", "O(1)"),
    "expiretime": ("Tells a key's deadline as a Unix time in seconds.", "O(1)"),
    "fcall": ("Calls a function.", "Depends on the function."),
    "fcall_ro": ("Calls a function that only reads.", "Depends on the function."),
    "flushall": ("Removes all keys of all databases.", "O(1) at once; the memory is freed in slices"),
    "flushdb": ("Removes all keys of the database.", "O(1) at once; the memory is freed in slices"),
    "function": ("Holds the commands about functions.", "Depends on subcommand."),
    "function|delete": ("Drops a library with its functions.", "O(1)"),
    "function|dump": ("Returns all libraries as a payload.", "O(N) with N bytes of code"),
    "function|flush": ("Drops all libraries.", "O(N) with N functions, freed in slices unless SYNC is given"),
    "function|help": ("Lists the subcommands.", "O(1)"),
    "function|kill": ("Ends the function that runs for too long; with UNDO also one that has written.", "O(N) with N keys to undo"),
    "function|list": ("Describes the libraries and their functions.", "O(N) with N functions"),
    "function|load": ("Loads a library of functions from its code.", "O(1) but for what the code does"),
    "function|restore": ("Loads the libraries of a payload.", "O(N) with N functions of the payload"),
    "function|stats": ("Describes the function that runs for too long, and the engines.", "O(1)"),
    "geoadd": ("Adds places to a geospatial index, a sorted set.", "O(log N) for each place"),
    "geodist": ("Tells the distance between two places.", "O(1)"),
    "geohash": ("Shows places as geohash strings.", "O(1) for each place"),
    "geopos": ("Shows the longitude and latitude of places.", "O(1) for each place"),
    "georadius": (
        "Finds places within a distance of a point, and may store them.",
        "O(N + log M) with N places near and M in all"),
    "georadius_ro": ("Finds places within a distance of a point.", "O(N + log M) with N places near and M in all"),
    "georadiusbymember": (
        "Finds places within a distance of another, and may store them.",
        "O(N + log M) with N places near and M in all"),
    "georadiusbymember_ro": (
        "Finds places within a distance of another.",
        "O(N + log M) with N places near and M in all"),
    "geosearch": ("Finds places within a circle or a box.", "O(N + log M) with N places near and M in all"),
    "geosearchstore": (
        "Finds places within a circle or a box and stores them.",
        "O(N + log M) with N places near and M in all"),
    "get": ("Gives the string at a key.", "O(1)"),
    "getbit": ("Reads one bit of a string.", "O(1)"),
    "getdel": ("Gives the string at a key and deletes the key.", "O(1)"),
    "getex": ("Gives the string at a key and sets or clears its deadline.", "O(1)"),
    "getrange": ("Gives a part of the string at a key.", "O(N) with N bytes given back"),
    "getset": ("Replaces the string at a key and gives the former one.", "O(1)"),
    "hdel": ("Removes fields of a hash.", "O(N) with N fields"),
    "hello": ("Opens the conversation: protocol version, login and name.", "O(1)"),
    "hexists": ("Tells whether a hash has a field.", "O(1)"),
    "hexpire": ("Gives fields a time to live in seconds.", "O(N) with N fields"),
    "hexpireat": ("Gives fields a moment to expire at, in seconds.", "O(N) with N fields"),
    "hexpiretime": ("Tells the moment at which fields expire, in seconds.", "O(N) with N fields"),
    "hget": ("Shows the value of a field.", "O(1)"),
    "hgetall": ("Shows all fields of a hash with their values.", "O(N) with N fields"),
    "hincrby": ("Adds to the integer value of a field; creates it if it is absent.", "O(1)"),
    "hincrbyfloat": ("Adds to the value of a field as a float; creates it if it is absent.", "O(1)"),
    "hkeys": ("Shows all fields of a hash.", "O(N) with N fields"),
    "hlen": ("Counts the fields of a hash.", "O(1)"),
    "hmget": ("Shows the values of several fields.", "O(N) with N fields"),
    "hmset": ("Sets several fields.", "O(N) with N fields"),
    "hpersist": ("Takes the time to live from fields.", "O(N) with N fields"),
    "hpexpire": ("Gives fields a time to live in milliseconds.", "O(N) with N fields"),
    "hpexpireat": ("Gives fields a moment to expire at, in milliseconds.", "O(N) with N fields"),
    "hpexpiretime": ("Tells the moment at which fields expire, in milliseconds.", "O(N) with N fields"),
    "hpttl": ("Tells how long fields have to live, in milliseconds.", "O(N) with N fields"),
    "hrandfield": ("Shows random fields of a hash.", "O(N) with N shown"),
    "hscan": ("Iterates over the fields of a hash.", "O(1) for each call, O(N) for all of N fields"),
    "hset": ("Sets fields of a hash; creates it if it is absent.", "O(1) for each field"),
    "hsetnx": ("Sets a field that is not there yet.", "O(1)"),
    "hstrlen": ("Tells the length of a field's value.", "O(1)"),
    "httl": ("Tells how long fields have to live, in seconds.", "O(N) with N fields"),
    "hvals": ("Shows all values of a hash.", "O(N) with N fields"),
    "incr": ("Adds one to the integer at a key; an absent key counts as 0.", "O(1)"),
    "incrby": ("Adds a number to the integer at a key; an absent key counts as 0.", "O(1)"),
    "incrbyfloat": ("Adds a number to the float at a key; an absent key counts as 0.", "O(1)"),
    "info": ("Shows the state and the counters of the server.", "O(1)"),
    "keys": ("Gives all key names that match a pattern.", "O(N) with N keys in the database"),
    "lcs": ("Finds the longest common subsequence of two strings.", "O(N*M) with strings of N and M bytes"),
    "lindex": ("Shows an element of a list by its index.", "O(log N) with N elements"),
    "linsert": ("Inserts an element before or after another.", "O(N) with N elements passed over"),
    "llen": ("Counts the elements of a list.", "O(1)"),
    "lmove": ("Moves an element from one list to another.", "O(1)"),
    "lmpop": ("Takes elements from the first list that has some.", "O(N+M) with N keys and M elements"),
    "lolwut": ("Paints a picture and tells the version.", "O(N) with N characters of the picture"),
    "lpop": ("Takes elements from the head of a list.", "O(N) with N elements"),
    "lpos": ("Finds the index of an element in a list.", "O(N) with N elements passed over"),
    "lpush": ("Puts elements at the head of a list; creates it if it is absent.", "O(1) for each element"),
    "lpushx": ("Puts elements at the head of a list that exists.", "O(1) for each element"),
    "lrange": ("Shows a range of a list.", "O(log N + M) with N elements, M of them shown"),
    "lrem": ("Removes elements by value from a list.", "O(N) with N elements"),
    "lset": ("Replaces an element of a list by its index.", "O(log N) with N elements"),
    "ltrim": ("Keeps a range of a list and removes the rest.", "O(log N); what is removed is freed in slices"),
    "mget": ("Gives the strings at several keys at one moment.", "O(N) with N keys"),
    "module": ("Holds the commands about modules.", "Depends on subcommand."),
    "module|help": ("Lists the subcommands.", "O(1)"),
    "module|list": ("Shows the modules that are loaded: none.", "O(1)"),
    "module|load": ("Refuses to load a module: they are not supported.", "O(1)"),
    "module|loadex": ("Refuses to load a module: they are not supported.", "O(1)"),
    "module|unload": ("Tells that there is no such module.", "O(1)"),
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
    "pfadd": ("Counts elements in a HyperLogLog; creates it if it is absent.", "O(1) for each element"),
    "pfcount": ("Estimates how many different elements were counted.", "O(1); O(N) with N keys when there are several"),
    "pfdebug": ("Shows the inside of a HyperLogLog.", "Depends on subcommand."),
    "pfmerge": ("Merges HyperLogLogs into one.", "O(N) with N keys"),
    "pfselftest": ("Checks the implementation of HyperLogLogs.", "O(1)"),
    "ping": ("Shows that the server lives; gives the message back if there is one.", "O(1)"),
    "psetex": ("Sets a key to a string with a time to live in milliseconds.", "O(1)"),
    "pttl": ("Tells a key's time to live in milliseconds.", "O(1)"),
    "quit": ("Closes the connection.", "O(1)"),
    "randomkey": ("Gives the name of some key.", "O(1)"),
    "rename": ("Gives a key another name, replacing what has it.", "O(1)"),
    "renamenx": ("Gives a key another name unless a key has it.", "O(1)"),
    "restore-asking": ("Makes a key from what DUMP showed, while its slot moves here.", "O(N) with N bytes"),
    "reset": ("Puts the connection back into its first state.", "O(1)"),
    "restore": ("Makes a key from what DUMP showed.", "O(N) with N bytes"),
    "rpop": ("Takes elements from the tail of a list.", "O(N) with N elements"),
    "rpoplpush": ("Moves the last element of a list to the head of another.", "O(1)"),
    "rpush": ("Puts elements at the tail of a list; creates it if it is absent.", "O(1) for each element"),
    "rpushx": ("Puts elements at the tail of a list that exists.", "O(1) for each element"),
    "sadd": ("Adds members to a set; creates it if it is absent.", "O(1) for each member"),
    "scan": ("Walks over the key names, a part per call.", "O(1) per call, O(N) for all of N keys"),
    "scard": ("Counts the members of a set.", "O(1)"),
    "script": ("Holds the commands about scripts.", "Depends on subcommand."),
    "script|debug": ("Accepts that there is no debugger.", "O(1)"),
    "script|exists": ("Tells which scripts are in the script cache.", "O(N) with N scripts asked for"),
    "script|flush": ("Empties the script cache.", "O(N) with N scripts, freed in slices unless SYNC is given"),
    "script|help": ("Lists the subcommands.", "O(1)"),
    "script|kill": ("Ends the script that runs for too long; with UNDO also one that has written.", "O(N) with N keys to undo"),
    "script|load": ("Puts a script into the script cache.", "O(N) with N bytes of the script"),
    "sdiff": ("Shows the members of the first set that are in none of the others.", "O(N) with N members in all sets"),
    "sdiffstore": (
        "Stores the members of the first set that are in none of the others.",
        "O(N) with N members in all sets"),
    "select": ("Chooses the database of the connection.", "O(1)"),
    "set": ("Sets a key to a string, whatever it held before.", "O(1)"),
    "setbit": ("Sets or clears one bit of a string; creates the key if it is absent.", "O(1)"),
    "setex": ("Sets a key to a string with a time to live in seconds.", "O(1)"),
    "setnx": ("Sets a key to a string if it does not exist.", "O(1)"),
    "setrange": ("Overwrites a part of the string at a key.", "O(N) with N bytes written"),
    "save": ("Saves all keys into a file, and waits for it.", "O(N) with N keys"),
    "bgrewriteaof": ("Begins the append-only log anew with a snapshot.", "O(1); the file takes O(N) with N keys"),
    "bgsave": ("Begins to save all keys into a file.", "O(1); the file takes O(N) with N keys"),
    "lastsave": ("Tells when a snapshot worked last.", "O(1)"),
    "shutdown": ("Stops the server.", "O(N) with N keys when it saves, else O(1)"),
    "sinter": ("Shows the members that all sets have.", "O(N*M) with N members of the smallest of M sets"),
    "sintercard": ("Counts the members that all sets have.", "O(N*M) with N members of the smallest of M sets"),
    "sinterstore": ("Stores the members that all sets have.", "O(N*M) with N members of the smallest of M sets"),
    "sismember": ("Tells whether something is a member of a set.", "O(1)"),
    "smembers": ("Shows all members of a set.", "O(N) with N members"),
    "smismember": ("Tells of several whether they are members of a set.", "O(N) with N asked for"),
    "smove": ("Moves a member from one set to another.", "O(1)"),
    "sort": (
        "Sorts a list, set or sorted set, and may store the result.",
        "O(N + M log M) with N elements, M of them shown"),
    "sort_ro": ("Sorts a list, set or sorted set.", "O(N + M log M) with N elements, M of them shown"),
    "spop": ("Takes random members from a set.", "O(N) with N taken"),
    "srandmember": ("Shows random members of a set.", "O(N) with N shown"),
    "srem": ("Removes members from a set.", "O(N) with N removed"),
    "sscan": ("Iterates over the members of a set.", "O(1) for each call, O(N) for all of N members"),
    "strlen": ("Tells the length of the string at a key.", "O(1)"),
    "substr": ("Gives a part of the string at a key.", "O(N) with N bytes given back"),
    "sunion": ("Shows the members that any of the sets has.", "O(N) with N members in all sets"),
    "sunionstore": ("Stores the members that any of the sets has.", "O(N) with N members in all sets"),
    "swapdb": ("Exchanges two databases.", "O(1)"),
    "time": ("Tells the server's clock.", "O(1)"),
    "touch": ("Renews the access clock of keys; counts those that exist.", "O(N) with N keys"),
    "ttl": ("Tells a key's time to live in seconds.", "O(1)"),
    "type": ("Tells the type of the value at a key.", "O(1)"),
    "unlink": ("Deletes keys; their memory is freed later.", "O(1) per key"),
    "wait": ("Waits until replicas have acknowledged the writes so far.", "O(1)"),
    "waitaof": ("Waits until the writes so far are durable.", "O(1)"),
    "xack": ("Confirms entries that a group's consumers were given.", "O(1) for each entry"),
    "xadd": ("Appends an entry to a stream; creates it if it is absent.", "O(1); what is trimmed is freed in slices"),
    "xautoclaim": ("Takes over entries that others left unconfirmed, in order.", "O(N) with N entries looked at"),
    "xclaim": ("Takes over named entries that others left unconfirmed.", "O(log N) for each entry"),
    "xdel": ("Removes entries by their IDs.", "O(log N) for each entry"),
    "xgroup": ("Holds the commands about consumer groups.", "Depends on subcommand."),
    "xgroup|create": ("Makes a consumer group.", "O(1)"),
    "xgroup|createconsumer": ("Makes a consumer in a group.", "O(1)"),
    "xgroup|delconsumer": ("Removes a consumer from a group.", "O(N) with N entries it had not confirmed"),
    "xgroup|destroy": ("Removes a consumer group.", "O(1); its lists are freed in slices"),
    "xgroup|help": ("Lists the subcommands.", "O(1)"),
    "xgroup|setid": ("Sets the last ID that a group was given.", "O(1)"),
    "xinfo": ("Holds the commands that describe streams.", "Depends on subcommand."),
    "xinfo|consumers": ("Describes the consumers of a group.", "O(N) with N consumers"),
    "xinfo|groups": ("Describes the groups of a stream.", "O(N) with N groups"),
    "xinfo|help": ("Lists the subcommands.", "O(1)"),
    "xinfo|stream": ("Describes a stream.", "O(1), more with FULL"),
    "xlen": ("Counts the entries of a stream.", "O(1)"),
    "xpending": ("Shows what a group's consumers have not confirmed.", "O(N) with N shown"),
    "xrange": ("Shows entries between two IDs.", "O(log N + M) with N entries, M of them shown"),
    "xread": ("Shows entries behind the IDs given, or waits for some.", "O(log N + M) for each stream"),
    "xreadgroup": (
        "Gives a consumer entries that its group has not seen, or waits for some.",
        "O(log N + M) for each stream"),
    "xrevrange": ("Shows entries between two IDs, the last first.", "O(log N + M) with N entries, M of them shown"),
    "xsetid": ("Sets the last ID of a stream.", "O(1)"),
    "xtrim": ("Removes the oldest entries of a stream.", "O(log N); what is removed is freed in slices"),
    "zadd": ("Adds members with scores to a sorted set, or changes scores.", "O(log N) for each member"),
    "zcard": ("Counts the members of a sorted set.", "O(1)"),
    "zcount": ("Counts the members within a range of scores.", "O(log N)"),
    "zdiff": (
        "Shows the members of the first sorted set that are in none of the others.",
        "O(N) with N members in all sets"),
    "zdiffstore": (
        "Stores the members of the first sorted set that are in none of the others.",
        "O(N log N) with N members in all sets"),
    "zincrby": ("Adds to the score of a member; creates it if it is absent.", "O(log N)"),
    "zinter": (
        "Shows the members that all sorted sets have.",
        "O(N*K + M log M) with N members of the smallest of K, M of them shown"),
    "zintercard": ("Counts the members that all sorted sets have.", "O(N*K) with N members of the smallest of K"),
    "zinterstore": (
        "Stores the members that all sorted sets have.",
        "O(N*K + M log M) with N members of the smallest of K, M of them stored"),
    "zlexcount": ("Counts the members within a range of names.", "O(log N)"),
    "zmpop": ("Takes members from the first sorted set that has some.", "O(K + M log N) with K keys and M members"),
    "zmscore": ("Shows the scores of several members.", "O(N) with N asked for"),
    "zpopmax": ("Takes the members with the highest scores.", "O(M log N) with M taken"),
    "zpopmin": ("Takes the members with the lowest scores.", "O(M log N) with M taken"),
    "zrandmember": ("Shows random members of a sorted set.", "O(M log N) with M shown"),
    "zrange": ("Shows a range of members by rank, score or name.", "O(log N + M) with M shown"),
    "zrangebylex": ("Shows the members within a range of names.", "O(log N + M) with M shown"),
    "zrangebyscore": ("Shows the members within a range of scores.", "O(log N + M) with M shown"),
    "zrangestore": ("Stores a range of members in another sorted set.", "O(log N + M) with M stored"),
    "zrank": ("Tells the rank of a member, from the lowest score.", "O(log N)"),
    "zrem": ("Removes members from a sorted set.", "O(M log N) with M removed"),
    "zremrangebylex": ("Removes the members within a range of names.", "O(log N + M) with M removed"),
    "zremrangebyrank": ("Removes the members within a range of ranks.", "O(log N + M) with M removed"),
    "zremrangebyscore": ("Removes the members within a range of scores.", "O(log N + M) with M removed"),
    "zrevrange": ("Shows a range of members by rank, the highest first.", "O(log N + M) with M shown"),
    "zrevrangebylex": ("Shows the members within a range of names, the last first.", "O(log N + M) with M shown"),
    "zrevrangebyscore": ("Shows the members within a range of scores, the highest first.", "O(log N + M) with M shown"),
    "zrevrank": ("Tells the rank of a member, from the highest score.", "O(log N)"),
    "zscan": ("Iterates over the members of a sorted set.", "O(1) for each call, O(N) for all of N members"),
    "zscore": ("Shows the score of a member.", "O(1)"),
    "zunion": (
        "Shows the members that any of the sorted sets has.",
        "O(N + M log M) with N members in all sets, M of them different"),
    "zunionstore": (
        "Stores the members that any of the sorted sets has.",
        "O(N + M log M) with N members in all sets, M of them different"),
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
    listed = open("dataplane/cmd/meson.build").read().split("cmd_src", 1)[0]  # cmd_row_src: what is built
    for path in sorted("dataplane/cmd/" + name for name in re.findall(r"'(cmd_\w+\.c)'", listed)):
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


# Commands of which no other server knows: name -> syntax.
OWN = {
    "penstock": "", "penstock|help": "", "penstock|move-slots": "first:integer last:integer shard:integer",
    "penstock|move-status": "", "penstock|shards": "",
}


def own_fact(syntax):
    return {"syntax": syntax, "key_specs": "", "tips": "", "since": "7.2.4", "group": "server", "deprecated_since": ""}


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
    facts.update((name, own_fact(syntax)) for name, syntax in OWN.items())
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
