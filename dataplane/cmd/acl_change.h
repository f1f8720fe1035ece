// acl_change.h: the server's users: made at start, changed while clients are connected, and what
// follows for those.
//
// Source:  Redis 7.2: a change counts at once; clients of a user that goes are closed, and those
// who
//          listen to a channel that their user is granted no more
// Thread:  the shard
// Memory:  see acl_call.h
#pragma once
#include "dataplane/acl/acl_users.h"
#include "dataplane/cmd/server.h"

void acl_open(struct server *server); // the default user, as requirepass says
void acl_close(struct server *server);
void acl_settings_changed(struct server *server); // requirepass, acl-pubsub-default, acllog-max-len

// caller: whose command does it, closed only when it has been answered; NULL: nobody's.
// u is another than it was. before: what it was; NULL: it may not have lost a channel.
void acl_user_changed(struct server *server, struct acl_user *u, const struct acl_user *before,
                      struct client *caller);
void acl_remove_user(struct server *server, struct acl_user *u,
                     struct client *caller); // its clients are closed
// These in place of all there are; by is closed. Clients whose user is among them stay.
void acl_replace_users(struct server *server, struct acl_users *by, struct client *caller);
