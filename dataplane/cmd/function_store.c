#include "dataplane/cmd/function_store.h"
#include <stdio.h>
#include "dataplane/base/check.h"
#include "dataplane/base/hash.h"
#include "storage/rdb/rdb_format.h"
#include "storage/rdb/rdb_read.h"
#include "storage/rdb/rdb_write.h"

enum { BUCKETS_FIRST = 16 };

// ---- functions by name

// Names are an operator's, not a client's: a key that nobody knows is not needed. The beginning and
// the length tell them apart.
static uint64_t name_hash(struct bytes name)
{
    static const struct hash_key key = { 0x66756e6374696f6e, 0x73746f7265 };
    uint8_t folded[64];
    size_t size = name.size < sizeof folded ? name.size : sizeof folded;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = name.data[i];
        folded[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
    }
    return siphash_13(folded, size, &key) + name.size;
}

static struct stored_function *find_stored(const struct function_store *store, struct bytes name)
{
    if (!store->function_count) return NULL;
    uint64_t hash = name_hash(name);
    struct stored_function *f = store->buckets[hash % store->bucket_count];
    while (f && (f->hash != hash || !bytes_equal_nocase(f->function->name, name))) f = f->next;
    return f;
}

const struct script_function *function_find(const struct function_store *store, struct bytes name)
{
    const struct stored_function *f = find_stored(store, name);
    return f ? f->function : NULL;
}

static void put_function(struct function_store *store, struct stored_function *f)
{
    struct stored_function **at = &store->buckets[f->hash % store->bucket_count];
    f->next = *at;
    *at = f;
}

static void take_function(struct function_store *store, struct stored_function *f)
{
    struct stored_function **at = &store->buckets[f->hash % store->bucket_count];
    while (*at != f) at = &(*at)->next;
    *at = f->next;
    store->function_count--;
}

static void *take_bytes(struct function_store *store, size_t size)
{
    store->bytes += size;
    return heap_take_zeroed(store->heap, size, HEAP_SCRIPTS);
}

static void give_bytes(struct function_store *store, void *p, size_t size)
{
    store->bytes -= size;
    heap_give(store->heap, p, size, HEAP_SCRIPTS);
}

static void want_buckets(struct function_store *store, uint32_t function_count)
{
    uint32_t count = store->bucket_count ? store->bucket_count : BUCKETS_FIRST;
    while (count < function_count) count *= 2;
    if (count == store->bucket_count) return;
    struct function_store old = *store;
    store->buckets = take_bytes(store, count * sizeof store->buckets[0]);
    store->bucket_count = count;
    for (uint32_t b = 0; b < old.bucket_count; b++)
        for (struct stored_function *f = old.buckets[b], *next; f; f = next) {
            next = f->next;
            put_function(store, f);
        }
    if (old.buckets) give_bytes(store, old.buckets, old.bucket_count * sizeof old.buckets[0]);
}

// ---- libraries

void function_store_open(struct function_store *store, struct heap *heap)
{
    *store = (struct function_store){ .heap = heap };
    list_init(&store->libraries);
}

struct library *library_find(const struct function_store *store, struct bytes name)
{
    for (struct list_node *n = list_first(&store->libraries); n;
         n = list_next(&store->libraries, n)) {
        struct library *l = LIST_OWNER(n, struct library, link);
        if (bytes_equal(l->name, name)) return l;
    }
    return NULL;
}

static size_t functions_bytes(const struct library *l)
{
    return l->loaded->function_count * sizeof l->functions[0];
}

static void link_library(struct function_store *store, struct library *l)
{
    uint32_t count = l->loaded->function_count;
    want_buckets(store, store->function_count + count);
    for (uint32_t i = 0; i < count; i++) put_function(store, &l->functions[i]);
    store->function_count += count;
    list_append(&store->libraries, &l->link);
    l->store = store;
}

static void unlink_library(struct library *l)
{
    for (uint32_t i = 0; i < l->loaded->function_count; i++)
        take_function(l->store, &l->functions[i]);
    list_remove(&l->store->libraries, &l->link);
}

// Its memory stays booked to the store that it was made for.
static void free_library(struct function_store *store, struct library *l, struct script_host *host)
{
    give_bytes(store, l->functions, functions_bytes(l));
    if (host) script_library_drop(host, l->loaded);
    give_bytes(store, l, l->bytes);
}

void library_drop(struct library *l, struct script_host *host)
{
    struct function_store *store = l->store;
    unlink_library(l);
    free_library(store, l, host);
}

void function_store_clear(struct function_store *store, struct script_host *host)
{
    struct list_node *node;
    while ((node = list_first(&store->libraries)) != NULL)
        library_drop(LIST_OWNER(node, struct library, link), host);
    if (store->buckets)
        give_bytes(store, store->buckets, store->bucket_count * sizeof store->buckets[0]);
    function_store_open(store, store->heap);
}

// ---- loading

static struct library *refuse(char error[FUNCTION_ERROR_MAX], const char *format, struct bytes name)
{
    snprintf(error, FUNCTION_ERROR_MAX, format, (int)name.size, (const char *)name.data);
    return NULL;
}

static struct library *library_new(struct function_store *store, struct bytes name,
                                   struct bytes code)
{
    size_t bytes = sizeof(struct library) + name.size + code.size;
    struct library *l = take_bytes(store, bytes);
    l->bytes = bytes;
    l->name = bytes_make(l->text, name.size);
    l->code = bytes_make(l->text + name.size, code.size);
    memcpy(l->text, name.data, name.size);
    memcpy(l->text + name.size, code.data, code.size);
    return l;
}

static void name_functions(struct function_store *store, struct library *l)
{
    l->functions = take_bytes(store, functions_bytes(l));
    for (uint32_t i = 0; i < l->loaded->function_count; i++) {
        struct stored_function *f = &l->functions[i];
        f->function = &l->loaded->functions[i];
        f->hash = name_hash(f->function->name);
    }
}

// A function of l that another library of store has. NULL: none. replaced: does not count.
static const struct script_function *find_taken(const struct function_store *store,
                                                const struct library *l, bool replaces)
{
    for (uint32_t i = 0; i < l->loaded->function_count; i++) {
        const struct script_function *f = &l->loaded->functions[i];
        const struct script_function *other = function_find(store, f->name);
        const struct library *old = replaces ? library_find(store, l->name) : NULL;
        if (other && !(old && old->loaded == other->library)) return f;
    }
    return NULL;
}

static bool parse_head(const struct function_store *store, struct script_host *host,
                       struct bytes code, bool replaces, struct script_library_head *head,
                       char error[FUNCTION_ERROR_MAX])
{
    struct bytes why;
    if (!script_parse_library(host, code, head, &why)) return refuse(error, "%.*s", why);
    if (!script_name_is_valid(head->name))
        return refuse(error,
                      "ERR Library names can only contain letters, numbers, or "
                      "underscores(_) and must be at least one character long%.*s",
                      bytes_make("", 0));
    if (!bytes_is_word(head->engine, "lua"))
        return refuse(error, "ERR Engine '%.*s' not found", head->engine);
    if (!replaces && library_find(store, head->name))
        return refuse(error, "ERR Library '%.*s' already exists", head->name);
    return true;
}

struct library *library_load(struct function_store *store, struct script_host *host,
                             struct bytes code, bool replaces, char error[FUNCTION_ERROR_MAX])
{
    struct script_library_head head;
    struct bytes why;
    if (!parse_head(store, host, code, replaces, &head, error)) return NULL;
    struct library *l = library_new(store, head.name, code);
    l->loaded = script_library_load(host, head.code, &why);
    if (!l->loaded) {
        refuse(error, "%.*s", why);
        give_bytes(store, l, l->bytes);
        return NULL;
    }
    name_functions(store, l);
    const struct script_function *taken = find_taken(store, l, replaces);
    if (taken) {
        refuse(error, "ERR Function %.*s already exists", taken->name);
        free_library(store, l, host);
        return NULL;
    }
    struct library *old = library_find(store, l->name);
    if (old) library_drop(old, host);
    link_library(store, l);
    return l;
}

// ---- several at once

// Those of store that libraries of from take the place of do not stand in the way of any.
static bool may_join(const struct function_store *store, const struct function_store *from,
                     bool replaces, char error[FUNCTION_ERROR_MAX])
{
    const struct list *all = &from->libraries;
    for (struct list_node *n = list_first(all); n && !replaces; n = list_next(all, n)) {
        const struct library *l = LIST_OWNER(n, struct library, link);
        if (library_find(store, l->name))
            return refuse(error, "ERR Library %.*s already exists", l->name);
    }
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        const struct library *l = LIST_OWNER(n, struct library, link);
        for (uint32_t i = 0; i < l->loaded->function_count; i++) {
            struct bytes name = l->loaded->functions[i].name;
            const struct script_function *other = function_find(store, name);
            if (!other) continue;
            const struct list *olds = &store->libraries;
            bool stays = true;
            for (struct list_node *o = list_first(olds); o; o = list_next(olds, o)) {
                const struct library *old = LIST_OWNER(o, struct library, link);
                if (old->loaded == other->library) stays = !library_find(from, old->name);
            }
            if (stays) return refuse(error, "ERR Function %.*s already exists", name);
        }
    }
    return true;
}

bool function_store_join(struct function_store *store, struct function_store *from,
                         struct script_host *host, bool replaces, char error[FUNCTION_ERROR_MAX])
{
    struct list_node *node;
    if (!may_join(store, from, replaces, error)) return false;
    while ((node = list_first(&from->libraries)) != NULL) {
        struct library *l = LIST_OWNER(node, struct library, link);
        struct library *old = library_find(store, l->name);
        uint64_t bytes = l->bytes + functions_bytes(l);
        if (old) library_drop(old, host);
        unlink_library(l);
        from->bytes -= bytes;
        store->bytes += bytes;
        link_library(store, l);
    }
    return true;
}

// ---- payloads

static void put_code(struct rdb_buffer *out, struct heap *heap, struct bytes code,
                     bool may_compress)
{
    struct rdb_long_text text;
    if (code.size <= RDB_TEXT_ONCE_BYTES) {
        rdb_put_text(out, code, may_compress);
        return;
    }
    rdb_long_text_begin(&text, heap, code, may_compress);
    while (!rdb_long_text_step(&text, out)) {
    }
    rdb_long_text_end(&text);
}

void function_store_dump(const struct function_store *store, struct rdb_buffer *out,
                         bool may_compress)
{
    const struct list *all = &store->libraries;
    for (struct list_node *n = list_first(all); n; n = list_next(all, n)) {
        rdb_put_u8(out, RDB_OPCODE_FUNCTION);
        put_code(out, store->heap, LIST_OWNER(n, struct library, link)->code, may_compress);
    }
}

static bool restore_one(struct function_store *store, struct script_host *host,
                        struct rdb_text *text, struct bytes *in, char error[FUNCTION_ERROR_MAX])
{
    const struct bytes none = bytes_make("", 0);
    uint8_t opcode = 0;
    enum rdb_result result;
    (void)bytes_u8(in, &opcode);
    if (opcode == RDB_OPCODE_FUNCTION_EARLY)
        return refuse(error, "ERR Pre-GA function format not supported%.*s", none);
    if (opcode != RDB_OPCODE_FUNCTION)
        return refuse(error, "ERR given type is not a function%.*s", none);
    while ((result = rdb_text_step(text, in)) == RDB_MORE) {
    }
    if (result == RDB_BROKEN) return refuse(error, "ERR Failed loading library data%.*s", none);
    return library_load(store, host, text->bytes, false, error) != NULL;
}

bool function_store_restore(struct function_store *store, struct script_host *host,
                            struct bytes payload, char error[FUNCTION_ERROR_MAX])
{
    enum { CODE_BYTES_MAX = 512 << 20 };
    struct rdb_text text;
    bool fits = true;
    rdb_text_init(&text, store->heap, CODE_BYTES_MAX);
    while (fits && payload.size) fits = restore_one(store, host, &text, &payload, error);
    rdb_text_close(&text);
    return fits;
}
