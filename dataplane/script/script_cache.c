// Compiled scripts, found by their SHA-1 or by their text.
#include "dataplane/base/check.h"
#include "dataplane/script/script_priv.h"

enum { TABLE_BITS_MIN = 6, SHRINK_SCRIPTS = 64 };

struct script_node {
    struct script script; // first
    int callback;
    uint64_t body_hash;
    struct script_node *next_sha, *next_body;
    uint8_t body[];
};

int script_callback(const struct script *script)
{
    return ((const struct script_node *)script)->callback;
}

static uint64_t body_hash(const struct script_host *h, struct bytes body)
{
    return siphash_13(body.data, body.size, &h->hash_key);
}

// Half of the digest's first 16 digits would do; it is as good as random by itself.
static uint64_t sha_hash(const char *sha)
{
    uint64_t value = 0;
    for (int i = 0; i < 16; i++)
        value = value << 4 | (uint64_t)((sha[i] & 15) + (sha[i] >= 'a' ? 9 : 0));
    return value;
}

static struct script_node **chain(struct script_node **heads, uint32_t bits, uint64_t hash)
{
    return heads + (hash >> (64 - bits));
}

static size_t heads_bytes(uint32_t bits) { return sizeof(struct script_node *) << bits; }

static void link_node(struct script_table *t, struct script_node *node)
{
    struct script_node **by_sha = chain(t->by_sha, t->bits, sha_hash(node->script.sha));
    struct script_node **by_body = chain(t->by_body, t->bits, node->body_hash);
    node->next_sha = *by_sha;
    *by_sha = node;
    node->next_body = *by_body;
    *by_body = node;
}

static void table_grow(struct script_host *h)
{
    struct script_table old = h->scripts, *t = &h->scripts;
    t->bits = old.bits ? old.bits + 1 : TABLE_BITS_MIN;
    t->by_sha = heap_take_zeroed(h->heap, heads_bytes(t->bits), HEAP_SCRIPTS);
    t->by_body = heap_take_zeroed(h->heap, heads_bytes(t->bits), HEAP_SCRIPTS);
    t->bytes = old.bytes + 2 * heads_bytes(t->bits) - (old.bits ? 2 * heads_bytes(old.bits) : 0);
    if (!old.bits) return;
    for (size_t i = 0; i < (size_t)1 << old.bits; i++) {
        struct script_node *next, *node = old.by_sha[i];
        for (; node; node = next) {
            next = node->next_sha;
            link_node(t, node);
        }
    }
    heap_give(h->heap, old.by_sha, heads_bytes(old.bits), HEAP_SCRIPTS);
    heap_give(h->heap, old.by_body, heads_bytes(old.bits), HEAP_SCRIPTS);
}

struct script *script_find_body(struct script_host *h, struct bytes body)
{
    struct script_table *t = &h->scripts;
    if (t->count == 0) return NULL;
    uint64_t hash = body_hash(h, body);
    for (struct script_node *n = *chain(t->by_body, t->bits, hash); n; n = n->next_body)
        if (n->body_hash == hash && bytes_equal(n->script.body, body)) return &n->script;
    return NULL;
}

struct script *script_find_sha(struct script_host *h, struct bytes sha)
{
    struct script_table *t = &h->scripts;
    char lower[SCRIPT_SHA_CHARS];
    if (t->count == 0 || sha.size != SCRIPT_SHA_CHARS) return NULL;
    for (int i = 0; i < SCRIPT_SHA_CHARS; i++) {
        uint8_t c = sha.data[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    for (struct script_node *n = *chain(t->by_sha, t->bits, sha_hash(lower)); n; n = n->next_sha)
        if (memcmp(n->script.sha, lower, SCRIPT_SHA_CHARS) == 0) return &n->script;
    return NULL;
}

// The compiled function's place in the registry, or 0 with *error.
static int compile(struct script_host *h, struct bytes code, struct bytes *error)
{
    lua_State *L = h->lua;
    int callback = 0;
    if (script_compile(h, L, code, "@user_script"))
        callback = luaL_ref(L, LUA_REGISTRYINDEX);
    else
        *error = script_host_error(h, "ERR Error compiling script (new function): %s",
                                   lua_tostring(L, -1));
    lua_settop(L, 0);
    return callback;
}

struct script *script_add(struct script_host *h, struct bytes body, struct bytes *error)
{
    struct script_head head;
    struct script *known = script_find_body(h, body);
    CHECK(h->kind == SCRIPT_KIND_EVAL && !h->call);
    if (known) return known;
    if (!script_parse_shebang(h, body, &head, error)) return NULL;
    int callback = compile(h, bytes_make(body.data + head.skip, body.size - head.skip), error);
    if (!callback) return NULL;
    if (h->scripts.bits == 0 || h->scripts.count >> h->scripts.bits) table_grow(h);
    size_t bytes = sizeof(struct script_node) + body.size;
    struct script_node *n = heap_take_zeroed(h->heap, bytes, HEAP_SCRIPTS);
    if (body.size) memcpy(n->body, body.data, body.size);
    n->script.body = bytes_make(n->body, body.size);
    n->script.flags = head.flags;
    n->callback = callback;
    n->body_hash = body_hash(h, body);
    h->ops->sha1hex(h->context, body, n->script.sha);
    link_node(&h->scripts, n);
    h->scripts.count++;
    h->scripts.bytes += bytes;
    return &n->script;
}

static void node_free(struct script_host *h, struct script_node *n)
{
    size_t bytes = sizeof *n + n->script.body.size;
    h->scripts.count--;
    h->scripts.bytes -= bytes;
    heap_give(h->heap, n, bytes, HEAP_SCRIPTS);
}

void script_drop(struct script_host *h, struct script *script)
{
    struct script_node *node = (struct script_node *)script, **at;
    struct script_table *t = &h->scripts;
    CHECK(!h->call);
    for (at = chain(t->by_sha, t->bits, sha_hash(script->sha)); *at != node; at = &(*at)->next_sha)
        CHECK(*at);
    *at = node->next_sha;
    for (at = chain(t->by_body, t->bits, node->body_hash); *at != node; at = &(*at)->next_body)
        CHECK(*at);
    *at = node->next_body;
    luaL_unref(h->lua, LUA_REGISTRYINDEX, node->callback);
    node_free(h, node);
}

bool script_cache_shrink(struct script_host *h)
{
    struct script_table *t = &h->scripts;
    uint32_t done = 0;
    while (t->count > 0 && h->shrink_at < (size_t)1 << t->bits && done < SHRINK_SCRIPTS) {
        struct script_node *node = t->by_sha[h->shrink_at];
        if (node)
            script_drop(h, &node->script);
        else
            h->shrink_at++;
        done += node != NULL;
    }
    return t->count == 0;
}

// Lua is closed already.
void script_cache_free(struct script_host *h)
{
    struct script_table *t = &h->scripts;
    for (size_t i = 0; t->bits && i < (size_t)1 << t->bits; i++) {
        while (t->by_sha[i]) {
            struct script_node *node = t->by_sha[i];
            t->by_sha[i] = node->next_sha;
            node_free(h, node);
        }
    }
    if (t->bits) {
        heap_give(h->heap, t->by_sha, heads_bytes(t->bits), HEAP_SCRIPTS);
        heap_give(h->heap, t->by_body, heads_bytes(t->bits), HEAP_SCRIPTS);
    }
    *t = (struct script_table){ 0 };
}
