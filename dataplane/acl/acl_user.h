// acl_user.h: one user: whether it may log in, with which passwords, and what it may do then.
//
// Source:  Redis 7.2's ACL SETUSER, ACL LIST
// Thread:  the shard
// Memory:  on the heap (HEAP_OTHER); a user belongs to its table (acl_users.h), clients borrow it
#pragma once
#include "dataplane/acl/acl.h"
#include "dataplane/acl/acl_items.h"
#include "dataplane/acl/acl_out.h"
#include "dataplane/acl/acl_selector.h"

// What a user's rules are read with.
struct acl_context {
    struct heap *heap;                 // borrowed
    const struct acl_catalog *catalog; // borrowed
    bool new_have_channels;            // acl-pubsub-default allchannels: of new selectors
};

struct acl_user {
    const struct acl_context *context; // borrowed
    struct bytes name;                 // owned
    bool is_on, needs_no_password, skips_sanitizing;
    bool is_unrestricted;       // some selector allows everything: kept current by acl_user_apply
    struct acl_items passwords; // digests (acl_password.h)
    struct acl_selector first;
    struct acl_selector *more; // of parentheses, in their order
    uint32_t more_count, more_capacity;
};

void acl_user_init(struct acl_user *u, const struct acl_context *context, struct bytes name);
void acl_user_close(struct acl_user *u);
// What u may do, and its passwords; the name stays.
void acl_user_copy(struct acl_user *u, const struct acl_user *from);

// Where several rules went wrong.
enum { ACL_FAULT_TEXT_MAX = 1024 };
struct acl_fault {
    enum acl_result result;
    uint32_t size;
    char rule[ACL_FAULT_TEXT_MAX]; // cut; it may hold a password
};
// Rules in their order; one that begins with '(' takes in those up to the ')'. At the first fault
// it ends: the rules before it have been applied, so try them on a copy.
enum acl_result acl_user_apply(struct acl_user *u, const struct bytes *rules, uint32_t count,
                               struct acl_fault *fault);
// For a file, whose faults are told one by one: rules that are wrong are passed to told, the others
// are applied. False: a '(' without its ')', nothing was applied.
typedef void acl_fault_told(void *context, const struct acl_fault *fault);
bool acl_user_apply_all(struct acl_user *u, const struct bytes *rules, uint32_t count,
                        acl_fault_told *told, void *context);

// Does this password let u in? Costs the same for all, and for u NULL, whom nobody is.
bool acl_user_lets_in(const struct acl_user *u, struct bytes password);
// The whole but the name: "on nopass sanitize-payload ~* &* +@all".
void acl_user_put(const struct acl_user *u, struct acl_out *out);
// "on", "nopass", ...: calls put for each in its order, returns how many. put NULL: counts only.
uint32_t acl_user_flags(const struct acl_user *u, void (*put)(void *context, const char *flag),
                        void *context);
// 0: the first one.
static inline uint32_t acl_user_selector_count(const struct acl_user *u)
{
    return 1 + u->more_count;
}
static inline const struct acl_selector *acl_user_selector(const struct acl_user *u, uint32_t index)
{
    return index == 0 ? &u->first : &u->more[index - 1];
}
