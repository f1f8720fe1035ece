// acl_users.h: all users, by name, the default user among them; what a file or a list of lines
// makes of them.
//
// Source:  Redis 7.2's ACL commands, aclfile and user lines
// Thread:  the shard
// Memory:  users are on the heap (HEAP_OTHER) and stay where they are while they exist
#pragma once
#include "dataplane/acl/acl_user.h"

struct acl_users {
    struct acl_context context;
    struct acl_user **users; // by name, bytewise
    uint32_t count, capacity;
    struct acl_user *default_user;
};
#define ACL_DEFAULT_NAME BYTES_LITERAL("default")

// The default user is there, with all rights and without a password.
void acl_users_open(struct acl_users *t, struct heap *heap, const struct acl_catalog *catalog,
                    bool new_have_channels);
void acl_users_close(struct acl_users *t);
struct acl_user *acl_users_find(const struct acl_users *t, struct bytes name); // NULL: none
struct acl_user *acl_users_add(struct acl_users *t, struct bytes name); // it is not there yet
void acl_users_remove(struct acl_users *t, struct acl_user *u);         // not the default user
// What each has, the other gets: users stay where they are, those who hold them are not told.
void acl_users_swap(struct acl_users *t, struct acl_users *other);

// A password for the default user, or none: requirepass.
void acl_users_require(struct acl_users *t, struct bytes password);

// One user's line, "user alice on ...", with its newline.
void acl_users_put_line(const struct acl_user *u, struct acl_out *out);
