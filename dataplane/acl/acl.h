// acl.h: what users, rules and their callers have in common: the catalog of commands, and how a
// rule may be wrong.
//
// Source:  Redis 7.2's ACL rules and error texts
// Thread:  the shard
// Memory:  a catalog borrows its names; it outlives every user
// The folder knows commands by number, name and categories only: who executes them hands it a
// catalog.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"

enum { ACL_COMMANDS_MAX = 512 };

struct acl_command {
    const char *full_name; // "get", "config|get"
    uint64_t categories;   // bits by the catalog's names
    uint16_t parent;       // the container's id; ACL_NO_PARENT: at the top level
    bool is_container;     // it has subcommands
};
#define ACL_NO_PARENT 0xffff

struct acl_catalog {
    uint32_t command_count; // <= ACL_COMMANDS_MAX; ids are the places in commands
    uint32_t category_count;
    const struct acl_command *commands;
    const char *const *category_names; // [i] names bit i
};
// By its full name, in any case. ACL_NO_PARENT: none.
uint16_t acl_catalog_find(const struct acl_catalog *catalog, struct bytes full_name);
uint64_t acl_catalog_category(const struct acl_catalog *catalog, struct bytes name); // 0: none

enum acl_result {
    ACL_DONE,
    ACL_SYNTAX,
    ACL_UNKNOWN_COMMAND, // or category
    ACL_KEYS_ARE_ALL,    // a pattern after the one that matches everything
    ACL_CHANNELS_ARE_ALL,
    ACL_NO_SUCH_PASSWORD,
    ACL_BAD_HASH,
    ACL_ARGUMENT_OF_SUBCOMMAND,
    ACL_UNMATCHED, // a "(" whose ")" does not come
};
const char *acl_result_text(enum acl_result result); // Redis's words, without "ERR"

// What a pattern of keys lets through; a call asks for some of these (0: any will do).
enum acl_access { ACL_MAY_READ = 1, ACL_MAY_WRITE = 2, ACL_MAY_ALL = 3 };
