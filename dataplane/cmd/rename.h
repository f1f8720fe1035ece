// rename.h: commands under other names, or under none: rename-command.
//
// Source:  Redis 7.2's rename-command: a command is found by its new name only, also by scripts and
//          COMMAND; what is shown of it (COMMAND, INFO, arity errors, ACL rules) keeps the name
//          that it was born with
// Thread:  the shard
// Memory:  owned by struct server; NULL while nothing is renamed, so that a look-up costs one
// branch
#pragma once
#include "dataplane/base/check.h"
#include "dataplane/cmd/cmd.h"

enum { RENAME_ERROR_MAX = 256 };
// lines: of the settings, "<name> <new name>" each, the new name may be empty. ERR_PEER: one of
// them makes no sense; error says which and why.
enum status renames_open(struct server *server, const char *lines,
                         char error[RENAME_ERROR_MAX]) MUST_USE;
void renames_close(struct server *server);

const struct command *renames_find(const struct command_renames *r, struct bytes name);
// A command, or the one that a subcommand is of, has no name any more. r: NULL is fine.
bool renames_hide(const struct command_renames *r, const struct command *row);
uint32_t renames_visible_count(const struct command_renames *r); // of the top level

// By the name that clients use.
static inline const struct command *server_find_command(const struct server *s, struct bytes name)
{
    return LIKELY(!s->renames) ? command_find(name) : renames_find(s->renames, name);
}
