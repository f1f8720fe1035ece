// catalog.h: a few commands for users to be allowed, and users made of lines of rules.
#pragma once
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include "dataplane/acl/acl_users.h"

#define EXPECT(condition, ...) cr_expect(eq(int, !!(condition), 1), "%s", #condition)

enum { CAT_READ = 1, CAT_WRITE = 2, CAT_ADMIN = 4, CAT_FAST = 8, CAT_STRING = 16 };
static const char *const category_names[] = { "read", "write", "admin", "fast", "string" };
enum { GET, SET, CONFIG, CONFIG_GET, CONFIG_SET, SELECT, DEL, CLIENT, CLIENT_ID, COMMAND_COUNT };
static const struct acl_command commands[COMMAND_COUNT] = {
    [GET] = { "get", CAT_READ | CAT_FAST | CAT_STRING, ACL_NO_PARENT, false },
    [SET] = { "set", CAT_WRITE | CAT_STRING, ACL_NO_PARENT, false },
    [CONFIG] = { "config", 0, ACL_NO_PARENT, true },
    [CONFIG_GET] = { "config|get", CAT_ADMIN, CONFIG, false },
    [CONFIG_SET] = { "config|set", CAT_ADMIN, CONFIG, false },
    [SELECT] = { "select", CAT_FAST, ACL_NO_PARENT, false },
    [DEL] = { "del", CAT_WRITE, ACL_NO_PARENT, false },
    [CLIENT] = { "client", CAT_ADMIN, ACL_NO_PARENT, true },
    [CLIENT_ID] = { "client|id", CAT_FAST, CLIENT, false },
};
static const struct acl_catalog catalog = { .command_count = COMMAND_COUNT,
                                            .category_count = 5,
                                            .commands = commands,
                                            .category_names = category_names };

static struct heap heap;
static struct acl_users users;
static char shown[4096];

static void open_users(void)
{
    cr_assert(eq(int, heap_open(&heap), OK));
    acl_users_open(&users, &heap, &catalog, false);
}
static void close_users(void)
{
    acl_users_close(&users);
    cr_expect(eq(u64, heap.bytes_total, 0));
    heap_close(&heap);
}

// rules: with '|' between them, and ',' for a '|' within one, so that a line of them reads well.
static inline uint32_t split_rules(char *text, struct bytes rules[32])
{
    uint32_t count = 0;
    for (char *rest = text, *rule; (rule = strsep(&rest, "|")); count++) {
        for (char *c = rule; *c; c++)
            if (*c == ',') *c = '|';
        rules[count] = bytes_text(rule);
    }
    return count;
}

// What a new user "u" is after these rules, or why it is not: its line without the name.
static inline const char *made_of(const char *line)
{
    char text[1024];
    struct bytes rules[32];
    struct acl_fault fault;
    struct acl_user *u = acl_users_add(&users, bytes_text("u"));
    snprintf(text, sizeof text, "%s", line);
    uint32_t count = *line ? split_rules(text, rules) : 0;
    enum acl_result result = acl_user_apply(u, rules, count, &fault);
    struct acl_out out = { .at = shown, .capacity = sizeof shown - 1 };
    if (result == ACL_DONE)
        acl_user_put(u, &out);
    else
        out.size = (size_t)snprintf(shown, sizeof shown, "%.*s: %s", (int)fault.size, fault.rule,
                                    acl_result_text(result));
    shown[out.size] = 0;
    acl_users_remove(&users, u);
    return shown;
}
