// acl_load.h: users from files and into them: aclfile, lines "user" of the configuration.
//
// Source:  Redis 7.2's ACL LOAD, ACL SAVE, CONFIG REWRITE and its lines at start
// Thread:  the shard
// Memory:  none kept
#pragma once
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/text.h"

// Before clients are served: the users of aclfile, or of the lines. ERR_PEER: error has the lines
// to log, the server must not start. Reads the file here and now.
enum status acl_load_at_start(struct server *server, char *error, uint32_t error_bytes) MUST_USE;
// ACL LOAD, ACL SAVE: control does it (errand.h), all users or none.
void acl_load(struct call *call);
void acl_save(struct call *call);
// "user alice on ...\n" of every user.
void acl_add_lines(struct text *t, const struct server *server);
bool acl_has_file(const struct server *server);
