// Rules, lines and files of users out of any bytes: nothing breaks, and whatever a user is, its
// line makes the same user again.
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/acl/acl_file.h"
#include "dataplane/base/check.h"

enum { READ = 1, WRITE = 2, ADMIN = 4 };
static const char *const categories[] = { "read", "write", "admin" };
static const struct acl_command commands[] = {
    { "get", READ, ACL_NO_PARENT, false },    { "set", WRITE, ACL_NO_PARENT, false },
    { "config", ADMIN, ACL_NO_PARENT, true }, { "config|get", ADMIN, 2, false },
    { "config|set", ADMIN, 2, false },        { "select", READ, ACL_NO_PARENT, false },
};
static const struct acl_catalog catalog = { .command_count = sizeof commands / sizeof *commands,
                                            .category_count = 3,
                                            .commands = commands,
                                            .category_names = categories };
enum { LINE_MAX_BYTES = 1 << 18, WORDS_MAX = 4096 };

static size_t write_line(const struct acl_user *u, char *text)
{
    struct acl_out out = { .at = text, .capacity = LINE_MAX_BYTES };
    acl_users_put_line(u, &out);
    return out.size <= LINE_MAX_BYTES ? out.size : 0;
}

// Texts that a line cannot say again: words of a selector may end with the ')' that ends it, and
// quotes count in there.
static bool can_be_said(const struct acl_user *u)
{
    for (uint32_t i = 0; i < u->more_count; i++) {
        const struct acl_selector *s = &u->more[i];
        const struct acl_items *lists[] = { &s->keys, &s->channels, &s->arguments, &s->rules };
        for (uint32_t j = 0; j < 4; j++)
            for (uint32_t k = 0; k < lists[j]->count; k++) {
                struct bytes t = lists[j]->items[k].text;
                for (size_t at = 0; at < t.size; at++)
                    if (strchr("\"'()\\", t.data[at])) return false;
            }
    }
    return true;
}

static bool is_same(const struct acl_user *a, const struct acl_user *b)
{
    if (a->is_unrestricted != b->is_unrestricted || a->is_on != b->is_on) return false;
    for (uint32_t i = 0; i < acl_user_selector_count(a); i++) {
        const struct acl_selector *x = acl_user_selector(a, i), *y = acl_user_selector(b, i);
        for (uint32_t id = 0; id < catalog.command_count; id++)
            if (acl_selector_allows_command(x, id, bytes_text("0")) !=
                acl_selector_allows_command(y, id, bytes_text("0")))
                return false;
    }
    return acl_user_selector_count(a) == acl_user_selector_count(b);
}

static void check_again(struct heap *heap, const struct acl_user *u)
{
    struct acl_users again;
    struct acl_errors *errors = malloc(sizeof *errors);
    char *line = malloc(LINE_MAX_BYTES), *second = malloc(LINE_MAX_BYTES);
    size_t size = write_line(u, line);
    acl_users_open(&again, heap, &catalog, false);
    if (size && u->name.size && can_be_said(u)) {
        CHECK(acl_file_read(&again, bytes_make(line, size), "file", errors));
        const struct acl_user *v = acl_users_find(&again, u->name);
        CHECK(v && is_same(u, v));
        CHECK(write_line(v, second) == size && memcmp(line, second, size) == 0);
    }
    acl_users_close(&again);
    free(line);
    free(second);
    free(errors);
}

static void run_rules(struct heap *heap, struct bytes in)
{
    struct acl_users users;
    struct acl_fault fault;
    struct bytes *rules = malloc(WORDS_MAX * sizeof *rules);
    uint32_t count = 0;
    while (in.size && count < WORDS_MAX) {
        const uint8_t *end = memchr(in.data, '\n', in.size);
        size_t size = end ? (size_t)(end - in.data) : in.size;
        rules[count++] = bytes_make(in.data, size);
        bytes_skip(&in, end ? size + 1 : size);
    }
    acl_users_open(&users, heap, &catalog, false);
    struct acl_user *u = acl_users_add(&users, bytes_text("u"));
    (void)acl_user_apply(u, rules, count, &fault);
    check_again(heap, u);
    acl_users_close(&users);
    free(rules);
}

static void run_text(struct heap *heap, struct bytes in, bool as_line)
{
    struct acl_users users;
    struct acl_errors *errors = malloc(sizeof *errors);
    acl_users_open(&users, heap, &catalog, true);
    if (as_line)
        (void)acl_lines_read(&users, &in, 1, errors);
    else
        (void)acl_file_read(&users, in, "file", errors);
    for (uint32_t i = 0; i < users.count; i++)
        (void)acl_user_lets_in(users.users[i], bytes_text("x"));
    acl_users_close(&users);
    free(errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap heap;
    struct bytes in = bytes_make(data, size);
    uint8_t how;
    if (!bytes_u8(&in, &how) || size > 1 << 16) return 0;
    CHECK(heap_open(&heap) == OK);
    if (how % 3 == 0) run_rules(&heap, in);
    if (how % 3 == 1) run_text(&heap, in, false);
    if (how % 3 == 2) run_text(&heap, in, true);
    CHECK(heap.bytes_total == 0);
    heap_close(&heap);
    return 0;
}
