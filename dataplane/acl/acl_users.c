#include "dataplane/acl/acl_users.h"
#include "dataplane/base/check.h"

static int compare_names(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    if (order) return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

// The first whose name is not before this one.
static uint32_t find_place(const struct acl_users *t, struct bytes name)
{
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_names(t->users[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct acl_user *acl_users_find(const struct acl_users *t, struct bytes name)
{
    uint32_t place = find_place(t, name);
    if (place == t->count || !bytes_equal(t->users[place]->name, name)) return NULL;
    return t->users[place];
}

struct acl_user *acl_users_add(struct acl_users *t, struct bytes name)
{
    struct heap *heap = t->context.heap;
    uint32_t place = find_place(t, name);
    CHECK(place == t->count || !bytes_equal(t->users[place]->name, name));
    if (t->count == t->capacity) {
        uint32_t capacity = t->capacity ? 2 * t->capacity : 8;
        size_t one = sizeof *t->users;
        t->users = t->users
                       ? heap_resize(heap, t->users, t->capacity * one, capacity * one, HEAP_OTHER)
                       : heap_take(heap, capacity * one, HEAP_OTHER);
        t->capacity = capacity;
    }
    struct acl_user *u = heap_take(heap, sizeof *u, HEAP_OTHER);
    acl_user_init(u, &t->context, name);
    memmove(&t->users[place + 1], &t->users[place], (t->count - place) * sizeof *t->users);
    t->users[place] = u;
    t->count++;
    return u;
}

static void give_user(struct acl_users *t, struct acl_user *u)
{
    acl_user_close(u);
    heap_give(t->context.heap, u, sizeof *u, HEAP_OTHER);
}

void acl_users_remove(struct acl_users *t, struct acl_user *u)
{
    uint32_t place = find_place(t, u->name);
    CHECK(u != t->default_user && place < t->count && t->users[place] == u);
    t->count--;
    memmove(&t->users[place], &t->users[place + 1], (t->count - place) * sizeof *t->users);
    give_user(t, u);
}

void acl_users_open(struct acl_users *t, struct heap *heap, const struct acl_catalog *catalog,
                    bool new_have_channels)
{
    static const char *const rules[] = { "on", "nopass", "~*", "&*", "+@all" };
    struct bytes texts[5];
    struct acl_fault fault;
    for (uint32_t i = 0; i < 5; i++) texts[i] = bytes_text(rules[i]);
    *t = (struct acl_users){
        .context = { .heap = heap, .catalog = catalog, .new_have_channels = new_have_channels }
    };
    t->default_user = acl_users_add(t, ACL_DEFAULT_NAME);
    CHECK(acl_user_apply(t->default_user, texts, 5, &fault) == ACL_DONE);
}

void acl_users_close(struct acl_users *t)
{
    for (uint32_t i = 0; i < t->count; i++) give_user(t, t->users[i]);
    if (t->users) heap_give(t->context.heap, t->users, t->capacity * sizeof *t->users, HEAP_OTHER);
    t->users = NULL;
    t->default_user = NULL;
    t->count = t->capacity = 0;
}

static void take_contents(struct acl_users *t, const struct acl_users *from)
{
    t->users = from->users;
    t->count = from->count;
    t->capacity = from->capacity;
    t->default_user = from->default_user;
    for (uint32_t i = 0; i < t->count; i++) t->users[i]->context = &t->context;
}

void acl_users_swap(struct acl_users *t, struct acl_users *other)
{
    struct acl_users kept = *t;
    take_contents(t, other);
    take_contents(other, &kept);
}

void acl_users_require(struct acl_users *t, struct bytes password)
{
    struct acl_user *u = t->default_user;
    struct heap *heap = t->context.heap;
    struct acl_fault fault;
    struct bytes none = BYTES_LITERAL("nopass"), reset = BYTES_LITERAL("resetpass");
    if (password.size == 0) {
        CHECK(acl_user_apply(u, &none, 1, &fault) == ACL_DONE);
        return;
    }
    CHECK(acl_user_apply(u, &reset, 1, &fault) == ACL_DONE);
    uint8_t *rule = heap_take(heap, password.size + 1, HEAP_OTHER);
    rule[0] = '>';
    memcpy(rule + 1, password.data, password.size);
    struct bytes added = bytes_make(rule, password.size + 1);
    (void)acl_user_apply(u, &added, 1, &fault); // one that is too long is nobody's
    explicit_bzero(rule, password.size + 1);
    heap_give(heap, rule, password.size + 1, HEAP_OTHER);
}

void acl_users_put_line(const struct acl_user *u, struct acl_out *out)
{
    acl_put_text(out, "user ");
    acl_put(out, u->name);
    acl_put_text(out, " ");
    acl_user_put(u, out);
    acl_put_text(out, "\n");
}
