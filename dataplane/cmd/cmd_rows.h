// cmd_rows.h: how a file of commands writes its rows.
//
// Source:  spec/commands.tsv; ACL categories of Redis 7.2 (acl.c behaviour: some follow from flags)
// Memory:  rows are const
// A file of commands opens with `const struct command cmd_x[] = { COMMAND(...), ... };` and its
// name is in cmd_row_src (meson.build); command_index.py finds the rows there and makes
// CMD_ID_<ID>, the name index and command_by_id from them. Each COMMAND, CONTAINER or SUBCOMMAND
// starts a line.
#pragma once
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/command_ids.h"

// So that a file can declare its bodies a line at a time, ahead of its rows.
typedef void command_body(struct call *call);

// Categories that follow from the flags; everything else is named in the row. Scripts, which have
// no mandatory keys, are not of category read, although some only read.
#define ACL_IMPLIED(flags)                                                                         \
    ((((flags)&CMD_WRITE) ? ACL_WRITE : 0ull) |                                                    \
     (((flags) & (CMD_READONLY | CMD_NO_MANDATORY_KEYS)) == CMD_READONLY ? ACL_READ : 0ull) |      \
     (((flags)&CMD_ADMIN) ? ACL_ADMIN | ACL_DANGEROUS : 0ull) |                                    \
     (((flags)&CMD_PUBSUB) ? ACL_PUBSUB : 0ull) |                                                  \
     (((flags)&CMD_FAST) ? ACL_FAST : (uint64_t)ACL_SLOW) |                                        \
     (((flags)&CMD_BLOCKING) ? ACL_BLOCKING : 0ull))

#define COMMAND(ID, NAME, BODY, ARITY, FIRST, LAST, STEP, FLAGS, ACL)                              \
    {                                                                                              \
        .name = NAME, .full_name = NAME, .body = BODY, .arity = ARITY, .first_key = FIRST,         \
        .last_key = LAST, .key_step = STEP, .flags = (FLAGS),                                      \
        .acl_categories = (ACL) | ACL_IMPLIED(FLAGS), .id = CMD_ID_##ID                            \
    }
#define SUBCOMMAND(ID, OF, NAME, BODY, ARITY, FIRST, LAST, STEP, FLAGS, ACL)                       \
    {                                                                                              \
        .name = NAME, .full_name = OF "|" NAME, .body = BODY, .arity = ARITY, .first_key = FIRST,  \
        .last_key = LAST, .key_step = STEP, .flags = (FLAGS),                                      \
        .acl_categories = (ACL) | ACL_IMPLIED(FLAGS), .id = CMD_ID_##ID                            \
    }
// A command that is only its subcommands. SUBS: their array, complete at this point of the file.
// BODY: NULL, or what runs when there is no subcommand (COMMAND alone).
#define CONTAINER(ID, NAME, BODY, ARITY, FLAGS, ACL, SUBS)                                         \
    {                                                                                              \
        .name = NAME, .full_name = NAME, .body = BODY, .arity = ARITY, .flags = (FLAGS),           \
        .acl_categories = (ACL) | ACL_IMPLIED(FLAGS), .subcommands = SUBS,                         \
        .subcommand_count = sizeof(SUBS) / sizeof(SUBS[0]), .id = CMD_ID_##ID                      \
    }
