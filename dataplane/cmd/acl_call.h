// acl_call.h: who a client is, and whether a call of its is allowed.
//
// Source:  Redis 7.2: AUTH, order and texts of refusals; which arguments are keys and channels is
//          the business of key specs (cmd_docs.h)
// Thread:  the shard
// Memory:  struct acl is the server's (HEAP_OTHER). Clients and stand-ins borrow their user: when
// it
//          goes, they are nobody's, who may do nothing, and closed
//
// A client whose user may do everything costs a branch per command (client->is_restricted).
#pragma once
#include "dataplane/acl/acl_password.h"
#include "dataplane/acl/acl_users.h"
#include "dataplane/cmd/cmd.h"

// In the order in which the reason is chosen when several selectors deny.
enum acl_denial {
    ACL_ALLOWED,
    ACL_DENIED_COMMAND,
    ACL_DENIED_KEY,
    ACL_DENIED_AUTH,
    ACL_DENIED_CHANNEL,
};
enum acl_place { ACL_AT_TOP, ACL_IN_MULTI, ACL_IN_SCRIPT };

struct acl {
    struct acl_users users;
    struct acl_catalog catalog;
    struct acl_command commands[ACL_COMMANDS_MAX];
    struct acl_user nobody;             // of clients whose user was deleted
    struct list stand_ins;              // of client->all, where it is not on the server's list
    uint8_t required[ACL_DIGEST_BYTES]; // of requirepass, as it took effect last
    struct list log;                    // of acl_log.c, newest first
    uint64_t log_next_id;
};

// ---- who
struct acl_user *acl_client_user(const struct server *server, const struct client *c);
struct bytes acl_client_name(const struct server *server, const struct client *c);
void acl_set_user(struct client *c, struct acl_user *u);
// A new connection, or one that said RESET: the default user's; let in when that needs no password.
void acl_greet(struct server *server, struct client *c);
// AUTH is asked of everybody who has not said it.
bool acl_requires_login(const struct server *server);
bool acl_login(struct call *call, struct bytes name, struct bytes password); // false: replied
// Of a client that has gone while something of it runs on (job.c): changes of its user reach the
// stand-in, too, until it is forgotten.
void acl_add_stand_in(struct server *server, struct client *stand_in, const struct client *c);
void acl_forget_stand_in(struct server *server, struct client *stand_in);

// ---- whether
struct acl_verdict {
    enum acl_denial denial;
    uint32_t index; // of the argument that was denied
};
struct acl_verdict acl_judge(const struct acl_user *u, const struct command *command,
                             const struct bytes *argv, uint32_t argc);
enum { ACL_REFUSAL_MAX = 1024 };
// Of a restricted client. False: logged; text has the refusal without its code.
bool acl_allows(struct call *call, enum acl_place place, char text[ACL_REFUSAL_MAX]);
// Of a restricted client's EXEC. False: logged and replied.
bool acl_allows_queued(struct call *call);
// Of a script's command, in the name of caller (or of its stand-in), who is logged. call->client
// gets caller's user.
bool acl_allows_script(struct call *call, const struct client *caller, char text[ACL_REFUSAL_MAX]);
// "User x has no permissions to run the 'get' command". is_verbose: keys and channels are named.
void acl_refusal_text(char text[ACL_REFUSAL_MAX], const struct acl_user *u,
                      const struct command *command, const struct bytes *argv,
                      struct acl_verdict verdict, bool is_verbose);
// SORT's BY and GET read keys that no argument names: some selector has to allow the command and
// every key.
bool acl_may_read_all_keys(const struct call *call);
