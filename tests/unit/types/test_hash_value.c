// Hashes against a plain array, in every form, with and without deadlines. The seed is printed with
// every failure and is taken from PENSTOCK_SEED when that is set.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "dataplane/types/hash_deadlines.h"
#include "dataplane/types/hash_value.h"

enum { FIELDS = 300, VALUE_MAX = 200, GONE_MAX = 4096 };
#define START_MS 1700000000000ull

static struct heap heap;
static struct keyspace *k;
static struct shard_tally tally;
static struct hash_deadlines deadlines;
static struct thresholds thresholds;
static uint64_t now_ms;

// What the hooks said.
static struct {
    uint32_t field_count, hash_count, last_count;
    uint32_t db;
    char key[64], field[64];
} heard;

static void copy_text(char *to, struct bytes from)
{
    size_t size = from.size < 63 ? from.size : 63;
    memcpy(to, from.data, size);
    to[size] = 0;
}

static void hear_field(void *context, uint32_t db, struct bytes key, struct bytes field)
{
    (void)context;
    heard.field_count++;
    heard.db = db;
    copy_text(heard.key, key);
    copy_text(heard.field, field);
}

static void hear_hash(void *context, uint32_t db, struct bytes key, uint32_t count, bool is_last)
{
    (void)context;
    (void)db;
    (void)key;
    cr_expect(gt(u32, count, 0));
    heard.hash_count++;
    heard.last_count += is_last;
}

static void open_keyspace(void)
{
    struct keyspace_config config = { .database_count = 4, .hash_key = { 1, 2 } };
    now_ms = START_MS;
    thresholds = (struct thresholds){ .hash_entries = 512, .hash_value_bytes = 64 };
    memset(&heard, 0, sizeof heard);
    cr_assert(eq(int, heap_open(&heap), OK));
    cr_assert(eq(int, keyspace_open(&k, &heap, &config, &tally, now_ms), OK));
    hash_deadlines_open(&deadlines, k, now_ms);
    deadlines.on_field = hear_field;
    deadlines.on_hash = hear_hash;
}

static void close_keyspace(void)
{
    keyspace_close(k);
    cr_expect(eq(u64, heap.bytes_total, 0));
    heap_close(&heap);
}
TestSuite(hash_value, .init = open_keyspace, .fini = close_keyspace);

// ---- shorthands

static struct key key_of(const char *name) { return key_make(k, bytes_text(name)); }

static struct entry *find_in(uint32_t db, const char *name)
{
    struct key key = key_of(name);
    return keyspace_find(k, db, &key, FIND_QUIET, now_ms);
}
static struct entry *find(const char *name) { return find_in(0, name); }

static struct hash_place place_of(struct key *key, uint32_t db)
{
    return (struct hash_place){
        k, &thresholds, db, key, keyspace_find(k, db, key, FIND_QUIET, now_ms), now_ms
    };
}

static bool put(const char *name, const char *field, const char *value)
{
    struct key key = key_of(name);
    struct hash_place p = place_of(&key, 0);
    return hash_put(&p, bytes_text(field), bytes_text(value), false);
}

static bool remove_field(const char *name, const char *field)
{
    struct key key = key_of(name);
    struct hash_place p = place_of(&key, 0);
    return hash_remove(&p, bytes_text(field));
}

static bool set_deadline(const char *name, const char *field, uint64_t deadline_ms)
{
    struct key key = key_of(name);
    struct hash_place p = place_of(&key, 0);
    return hash_set_deadline(&p, bytes_text(field), deadline_ms);
}

static const char *get_in(uint32_t db, const char *name, const char *field)
{
    static char text[VALUE_MAX + 1];
    char scratch[24];
    struct bytes value;
    struct entry *e = find_in(db, name);
    if (!e || !hash_get(k, e, bytes_text(field), now_ms, scratch, &value)) return "(none)";
    memcpy(text, value.data, value.size);
    text[value.size] = 0;
    return text;
}
static const char *get(const char *name, const char *field) { return get_in(0, name, field); }
#define EXPECT_FIELD(name, field, expected)                                                        \
    cr_expect(eq(str, (char *)get(name, field), (char *)(expected)))

static const char *encoding_of(const char *name)
{
    return value_encoding_name(entry_encoding(find(name)));
}
#define EXPECT_ENCODING(name, expected)                                                            \
    cr_expect(eq(str, (char *)encoding_of(name), (char *)(expected)))

// "a=1 b=2"
static const char *whole(const char *name)
{
    static char text[4096];
    size_t size = 0;
    struct hash_cut cut;
    struct hash_iter i;
    struct hash_field f;
    text[0] = 0;
    hash_view(find(name), now_ms, &cut);
    hash_iter_init(&i, &cut);
    while (hash_iter_next(&i, &f))
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%.*s=%.*s", size ? " " : "",
                                 (int)f.field.size, (const char *)f.field.data, (int)f.value.size,
                                 (const char *)f.value.data);
    return text;
}

// Whatever is due at now_ms, a few at a time.
static uint32_t expire(uint32_t budget)
{
    uint32_t steps = 0, done;
    do {
        done = hash_deadlines_step(&deadlines, now_ms, budget);
        steps++;
    } while (done >= budget);
    return steps;
}

// ---- small hashes

Test(hash_value, keeps_a_small_hash_in_the_order_in_which_it_came)
{
    cr_expect(put("h", "a", "1"));
    cr_expect(put("h", "b", "two"));
    cr_expect(put("h", "3", "-70000"));
    cr_expect(not(put("h", "b", "2")));
    cr_expect(eq(str, (char *)whole("h"), "a=1 b=2 3=-70000"));
    cr_expect(not(put("h", "a", "a much longer text than it was")));
    cr_expect(eq(str, (char *)whole("h"), "a=a much longer text than it was b=2 3=-70000"));
    cr_expect(remove_field("h", "a"));
    cr_expect(not(remove_field("h", "a")));
    cr_expect(eq(str, (char *)whole("h"), "b=2 3=-70000"));
    cr_expect(eq(u64, hash_count(find("h")), 2));
    EXPECT_ENCODING("h", "listpack");
}

Test(hash_value, goes_with_its_last_field)
{
    thresholds.hash_entries = 1;
    put("h", "a", "1");
    cr_expect(remove_field("h", "a"));
    cr_expect(eq(ptr, find("h"), NULL));
    put("h", "a", "1");
    put("h", "b", "2");
    EXPECT_ENCODING("h", "hashtable");
    cr_expect(remove_field("h", "a"));
    cr_expect(remove_field("h", "b"));
    cr_expect(eq(ptr, find("h"), NULL));
    cr_expect(eq(u64, keyspace_size(k, 0), 0));
}

Test(hash_value, tells_a_number_from_the_text_that_looks_like_one)
{
    put("h", "1", "01");
    put("h", "01", "1");
    put("h", "+1", "-0");
    EXPECT_FIELD("h", "1", "01");
    EXPECT_FIELD("h", "01", "1");
    EXPECT_FIELD("h", "+1", "-0");
    cr_expect(eq(u64, hash_count(find("h")), 3));
}

Test(hash_value, outgrows_its_pack_by_count_and_by_size)
{
    thresholds.hash_entries = 3;
    thresholds.hash_value_bytes = 5;
    put("h", "a", "1");
    put("h", "b", "2");
    put("h", "c", "3");
    EXPECT_ENCODING("h", "listpack");
    put("h", "d", "4");
    EXPECT_ENCODING("h", "hashtable");
    put("v", "a", "12345");
    EXPECT_ENCODING("v", "listpack");
    put("v", "a", "123456");
    EXPECT_ENCODING("v", "hashtable");
    put("f", "123456", "");
    EXPECT_ENCODING("f", "hashtable");
    EXPECT_FIELD("f", "123456", "");
    EXPECT_FIELD("h", "c", "3");
}

// Redis 7.2 (hashTypeTryConversion): more pairs than the limit are not first put into a listpack.
Test(hash_value, converts_ahead_of_many_pairs)
{
    struct bytes argv[] = { bytes_text("a"), bytes_text("1"), bytes_text("a"), bytes_text("2") };
    struct key key = key_of("h");
    struct hash_place p = place_of(&key, 0);
    thresholds.hash_entries = 1;
    hash_expect(&p, argv, 4);
    hash_put(&p, argv[0], argv[1], false);
    hash_put(&p, argv[2], argv[3], false);
    EXPECT_ENCODING("h", "hashtable");
    EXPECT_FIELD("h", "a", "2");
}

// Only thresholds far above the normal ones let a pack come here; the name is Redis's still.
Test(hash_value, leaves_a_pack_that_gets_long_under_the_same_name)
{
    thresholds = (struct thresholds){ .hash_entries = 1000000, .hash_value_bytes = 1000000 };
    char field[32], *value = calloc(1, 1025);
    memset(value, 'x', 1024);
    for (uint32_t i = 0; i < 300; i++) {
        snprintf(field, sizeof field, "field%u", i);
        cr_expect(put("h", field, value));
    }
    cr_expect(eq(int, entry_encoding(find("h")), ENCODING_LISTPACK_TREE));
    EXPECT_ENCODING("h", "listpack");
    cr_expect(eq(u64, hash_count(find("h")), 300));
    free(value);
}

// ---- cuts

Test(hash_value, shows_a_cut_as_it_was)
{
    for (int large = 0; large < 2; large++) {
        struct hash_cut cut;
        struct hash_iter i;
        struct hash_field f;
        char field[16];
        uint32_t seen = 0;
        thresholds.hash_entries = large ? 10 : 512;
        for (uint32_t n = 0; n < 100; n++) {
            snprintf(field, sizeof field, "f%u", n);
            put("h", field, "old");
        }
        hash_cut(k, find("h"), now_ms, &cut);
        for (uint32_t n = 0; n < 100; n++) {
            snprintf(field, sizeof field, "f%u", n);
            if (n % 2)
                put("h", field, "new and longer");
            else
                remove_field("h", field);
        }
        hash_iter_init(&i, &cut);
        for (; hash_iter_next(&i, &f); seen++)
            cr_expect(bytes_equal(f.value, BYTES_LITERAL("old")));
        cr_expect(eq(u32, seen, 100));
        cr_expect(eq(u64, cut.count, 100));
        cr_expect(eq(u64, hash_count(find("h")), 50));
        hash_cut_drop(k, &cut);
        struct key key = key_of("h");
        keyspace_delete(k, 0, &key, now_ms);
    }
}

static void count_visit(void *context, const struct hash_field *f)
{
    uint32_t *seen = context;
    seen[atoi((const char *)f->field.data + 1)]++;
}

Test(hash_value, scans_what_is_there_all_the_time)
{
    uint32_t seen[1000] = { 0 };
    char field[16];
    thresholds.hash_entries = 10;
    for (uint32_t n = 0; n < 1000; n++) {
        snprintf(field, sizeof field, "f%u", n);
        put("h", field, "v");
    }
    uint64_t cursor = 0;
    uint32_t round = 0;
    do {
        struct hash_cut cut;
        hash_view(find("h"), now_ms, &cut);
        cursor = hash_cut_scan(&cut, cursor, 10, count_visit, seen);
        snprintf(field, sizeof field, "f%u", 500 + round++ % 500); // these come and go
        remove_field("h", field);
    } while (cursor);
    for (uint32_t n = 0; n < 500; n++) cr_expect(ge(u32, seen[n], 1), "f%u", n);
}

Test(hash_value, finds_each_field_by_its_number)
{
    thresholds.hash_entries = 10;
    for (uint32_t total = 5; total <= 20; total += 15) {
        bool seen[20] = { false };
        struct hash_cut cut;
        struct hash_field f;
        char field[16], scratch[2][24];
        for (uint32_t n = 0; n < total; n++) {
            snprintf(field, sizeof field, "%u", n);
            put("h", field, "v");
        }
        hash_view(find("h"), now_ms, &cut);
        for (uint32_t n = 0; n < total; n++) {
            cr_assert(hash_cut_at(&cut, n, scratch, &f));
            copy_text(field, f.field);
            cr_expect(not(seen[atoi(field)]));
            seen[atoi(field)] = true;
        }
    }
}

// ---- deadlines

Test(hash_value, names_its_encoding_by_its_deadlines_and_size)
{
    put("h", "a", "1");
    put("h", "b", "2");
    cr_expect(not(set_deadline("h", "none", now_ms + 10)));
    EXPECT_ENCODING("h", "listpack");
    cr_expect(set_deadline("h", "a", now_ms + 10));
    EXPECT_ENCODING("h", "listpackex");
    cr_expect(set_deadline("h", "a", 0));
    EXPECT_ENCODING("h", "listpackex");
    thresholds.hash_entries = 2;
    put("h", "c", "3");
    EXPECT_ENCODING("h", "hashtable");
    cr_expect(set_deadline("h", "a", now_ms + 10));
    EXPECT_ENCODING("h", "hashtable");
}

Test(hash_value, does_not_show_a_field_after_its_deadline)
{
    struct hash_cut cut;
    uint64_t at;
    put("h", "a", "1");
    put("h", "b", "2");
    set_deadline("h", "a", now_ms + 10);
    cr_expect(hash_deadline(k, find("h"), bytes_text("a"), now_ms, &at));
    cr_expect(eq(u64, at, now_ms + 10));
    now_ms += 9;
    EXPECT_FIELD("h", "a", "1");
    now_ms += 1;
    EXPECT_FIELD("h", "a", "(none)");
    cr_expect(not(hash_deadline(k, find("h"), bytes_text("a"), now_ms, &at)));
    cr_expect(not(remove_field("h", "a")));
    cr_expect(not(set_deadline("h", "a", now_ms + 10)));
    cr_expect(eq(str, (char *)whole("h"), "b=2"));
    cr_expect(eq(u64, hash_count(find("h")), 2)); // as HLEN in Redis 7.4
    hash_view(find("h"), now_ms, &cut);
    cr_expect(eq(u64, cut.count, 1));
    expire(10);
    cr_expect(eq(u64, hash_count(find("h")), 1));
    cr_expect(eq(u32, heard.field_count, 1));
    cr_expect(eq(str, heard.field, "a"));
    cr_expect(eq(str, heard.key, "h"));
    cr_expect(eq(u32, heard.last_count, 0));
}

Test(hash_value, clears_or_keeps_the_deadline_of_a_field_that_is_written)
{
    struct key key = key_of("h");
    uint64_t at;
    put("h", "a", "1");
    put("h", "b", "2");
    set_deadline("h", "a", now_ms + 10);
    set_deadline("h", "b", now_ms + 10);
    struct hash_place p = place_of(&key, 0);
    hash_put(&p, bytes_text("a"), bytes_text("a longer one"), false);
    hash_put(&p, bytes_text("b"), bytes_text("a longer one"), true);
    hash_deadline(k, p.entry, bytes_text("a"), now_ms, &at);
    cr_expect(eq(u64, at, 0));
    hash_deadline(k, p.entry, bytes_text("b"), now_ms, &at);
    cr_expect(eq(u64, at, now_ms + 10));
    now_ms += 10;
    expire(10);
    cr_expect(eq(str, (char *)whole("h"), "a=a longer one"));
}

Test(hash_value, takes_an_expired_field_for_a_new_one_when_it_is_written)
{
    put("h", "a", "1");
    put("h", "b", "1");
    set_deadline("h", "a", now_ms + 10);
    now_ms += 10;
    cr_expect(put("h", "a", "2"));
    expire(10);
    EXPECT_FIELD("h", "a", "2");
    cr_expect(eq(u32, heard.field_count, 0));
}

Test(hash_value, removes_an_expired_field_when_asked)
{
    struct key key = key_of("h");
    put("h", "a", "1");
    struct hash_place p = place_of(&key, 0);
    cr_expect(not(hash_remove_expired(&p, bytes_text("a"))));
    set_deadline("h", "a", now_ms + 10);
    p = place_of(&key, 0);
    cr_expect(not(hash_remove_expired(&p, bytes_text("a"))));
    now_ms = p.now_ms += 10;
    cr_expect(not(hash_remove_expired(&p, bytes_text("none"))));
    cr_expect(hash_remove_expired(&p, bytes_text("a")));
    cr_expect(eq(ptr, p.entry, NULL));
    cr_expect(eq(ptr, find("h"), NULL));
}

Test(hash_value, expires_a_wave_in_bounded_steps)
{
    char field[16];
    for (uint32_t n = 0; n < 5000; n++) {
        snprintf(field, sizeof field, "f%u", n);
        put("h", field, "v");
        set_deadline("h", field, now_ms + 10 + n % 3);
    }
    put("other", "a", "1");
    put("other", "b", "1");
    set_deadline("other", "a", now_ms + 12);
    now_ms += 12;
    cr_expect(le(u64, hash_deadlines_next_ms(&deadlines), now_ms));
    // The second hash does not wait for the first to be done.
    hash_deadlines_step(&deadlines, now_ms, 100);
    hash_deadlines_step(&deadlines, now_ms, 100);
    hash_deadlines_step(&deadlines, now_ms, 100);
    cr_expect(eq(u64, hash_count(find("other")), 1));
    cr_expect(gt(u64, hash_count(find("h")), 4600));
    cr_expect(ge(u32, expire(100), 47));
    cr_expect(eq(ptr, find("h"), NULL));
    cr_expect(eq(u32, heard.field_count, 5001));
    cr_expect(eq(u32, heard.last_count, 1));
    cr_expect(eq(u64, hash_deadlines_next_ms(&deadlines), UINT64_MAX));
}

Test(hash_value, follows_a_hash_wherever_it_goes)
{
    struct key b = key_of("b"), c = key_of("c"), d = key_of("d");
    put("a", "f", "1");
    set_deadline("a", "f", now_ms + 10);
    keyspace_rename(k, 0, find("a"), 0, &b, now_ms);
    keyspace_copy(k, 0, find("b"), 1, &c, now_ms);
    keyspace_copy(k, 0, find("b"), 2, &d, now_ms);
    keyspace_flush(k, 2);
    keyspace_swap(k, 1, 3);
    keyspace_set_deadline(k, 0, find("b"), now_ms + 100000); // the entry moves
    now_ms += 9;
    expire(10);
    cr_expect(eq(u32, heard.field_count, 0));
    now_ms += 1;
    expire(10);
    cr_expect(eq(u32, heard.field_count, 2));
    cr_expect(eq(u32, heard.last_count, 2));
    for (uint32_t db = 0; db < 4; db++) cr_expect(eq(u64, keyspace_size(k, db), 0));
}

Test(hash_value, tells_the_name_and_database_of_now)
{
    struct key b = key_of("b");
    put("a", "f", "1");
    put("a", "g", "1");
    set_deadline("a", "f", now_ms + 10);
    keyspace_rename(k, 0, find("a"), 1, &b, now_ms);
    keyspace_swap(k, 1, 2);
    now_ms += 10;
    expire(10);
    cr_expect(eq(u32, heard.db, 2));
    cr_expect(eq(str, heard.key, "b"));
    cr_expect(eq(str, (char *)get_in(2, "b", "g"), "1"));
}

Test(hash_value, forgets_a_hash_that_is_overwritten_or_deleted)
{
    struct key a = key_of("a"), b = key_of("b");
    put("a", "f", "1");
    set_deadline("a", "f", now_ms + 10);
    put("b", "f", "1");
    set_deadline("b", "f", now_ms + 10);
    string_set(k, 0, &a, bytes_text("text"), NULL, 0, 0, now_ms);
    keyspace_delete(k, 0, &b, now_ms);
    cr_expect(eq(u64, hash_deadlines_next_ms(&deadlines), UINT64_MAX));
    now_ms += 10;
    expire(10);
    cr_expect(eq(u32, heard.field_count, 0));
}

Test(hash_value, waits_while_active_expiry_is_off)
{
    put("a", "f", "1");
    set_deadline("a", "f", now_ms + 10);
    keyspace_set_active_expire(k, false);
    now_ms += 20;
    expire(10);
    cr_expect(ne(ptr, find("a"), NULL));
    EXPECT_FIELD("a", "f", "(none)");
    keyspace_set_active_expire(k, true);
    expire(10);
    cr_expect(eq(ptr, find("a"), NULL));
}

Test(hash_value, fires_no_field_late_when_the_clock_goes_back)
{
    put("a", "f", "1");
    put("b", "f", "1");
    set_deadline("a", "f", now_ms + 5000);
    now_ms += 2000;
    expire(10);
    now_ms -= 100000;
    expire(10);
    set_deadline("b", "f", now_ms + 10);
    now_ms += 10;
    expire(10);
    cr_expect(eq(ptr, find("b"), NULL));
    cr_expect(ne(ptr, find("a"), NULL));
    now_ms = START_MS + 4999;
    expire(10);
    cr_expect(ne(ptr, find("a"), NULL));
    now_ms = START_MS + 5000;
    expire(10);
    cr_expect(eq(ptr, find("a"), NULL));
}

Test(hash_value, finds_a_random_field_among_expired_ones)
{
    char field[16], scratch[2][24];
    struct hash_cut cut;
    struct hash_field f;
    struct rng rng;
    rng_seed(&rng, 1);
    for (uint32_t n = 0; n < 3000; n++) {
        snprintf(field, sizeof field, "f%u", n);
        put("h", field, "v");
        if (n != 1234) set_deadline("h", field, now_ms + 10);
    }
    now_ms += 10;
    hash_view(find("h"), now_ms, &cut);
    cr_expect(eq(u64, cut.count, 1));
    cr_expect(hash_random(&cut, &rng, scratch, &f));
    cr_expect(bytes_equal(f.field, BYTES_LITERAL("f1234")));
}

// ---- builder

Test(hash_value, builds_in_every_form)
{
    struct hash_builder b;
    struct key key = key_of("h");
    thresholds.hash_entries = 3;
    for (uint32_t form = 0; form < 3; form++) {
        static const char *const names[] = { "listpack", "listpackex", "hashtable" };
        hash_build_begin(&b, k, &thresholds);
        cr_expect(hash_build_add(&b, bytes_text("a"), bytes_text("1"), 0));
        cr_expect(hash_build_add(&b, bytes_text("b"), bytes_text("2"), 0));
        if (form == 1) cr_expect(hash_build_add(&b, bytes_text("c"), bytes_text("3"), now_ms + 10));
        for (uint32_t n = 0; form == 2 && n < 10; n++) {
            char field[] = { (char)('c' + n), 0 };
            cr_expect(hash_build_add(&b, bytes_text(field), bytes_text("3"), 0));
        }
        cr_expect(not(hash_build_add(&b, bytes_text("a"), bytes_text("9"), 0)));
        cr_expect(eq(ptr, hash_build_put(&b, 0, &key, now_ms), find("h")));
        EXPECT_ENCODING("h", names[form]);
        EXPECT_FIELD("h", "a", "1");
        if (form == 1) EXPECT_FIELD("h", "c", "3");
    }
    now_ms += 10;
    expire(10);
    EXPECT_FIELD("h", "c", "3"); // of the last form
    hash_build_begin(&b, k, &thresholds);
    cr_expect(eq(ptr, hash_build_put(&b, 0, &key, now_ms), NULL));
    cr_expect(eq(ptr, find("h"), NULL));
    hash_build_begin(&b, k, &thresholds);
    hash_build_add(&b, bytes_text("a"), bytes_text("1"), now_ms + 5);
    hash_build_drop(&b);
}

// ---- random operations

struct cell {
    bool there;
    uint64_t deadline_ms;
    size_t size;
    char value[VALUE_MAX];
};
struct model {
    struct cell cells[FIELDS];
    struct rng rng;
    uint64_t seed;
    uint32_t step;
};
static void model_assert(const struct model *m, bool holds_true, const char *text)
{
    cr_assert(holds_true, "seed %llu step %u: %s", (unsigned long long)m->seed, m->step, text);
}
#define MODEL_ASSERT(m, condition) model_assert((m), (condition), #condition)

static uint32_t below(struct model *m, uint32_t n) { return (uint32_t)rng_below(&m->rng, n); }

static struct bytes field_name(uint32_t i, char *text)
{
    int size = i % 3 == 0 ? snprintf(text, 300, "%u", i * i)
                          : snprintf(text, 300, "%u:%*s", i, i % 10 ? (int)(i % 23) : 70, "");
    return bytes_make(text, (size_t)size);
}

static bool is_live(const struct cell *c)
{
    return c->there && (!c->deadline_ms || c->deadline_ms > now_ms);
}

static void do_put(struct model *m, struct hash_place *p, struct cell *c, struct bytes field)
{
    bool was = is_live(c), keep = below(m, 2);
    char value[VALUE_MAX];
    size_t size = below(m, 3) ? below(m, 70) : below(m, VALUE_MAX);
    for (size_t i = 0; i < size; i++) value[i] = (char)('a' + below(m, 26));
    if (below(m, 3) == 0)
        size = (size_t)sprintf(value, "%d", (int)rng_next(&m->rng) >> below(m, 31));
    MODEL_ASSERT(m, hash_put(p, field, bytes_make(value, size), keep) == !was);
    if (!was || !keep) c->deadline_ms = 0;
    c->there = true;
    c->size = size;
    memcpy(c->value, value, size);
}

static void do_deadline(struct model *m, struct hash_place *p, struct cell *c, struct bytes field)
{
    uint64_t at = below(m, 4) ? now_ms + 1 + below(m, 400) : 0;
    if (!p->entry) return;
    MODEL_ASSERT(m, hash_set_deadline(p, field, at) == is_live(c));
    if (is_live(c)) c->deadline_ms = at;
}

static void do_step(struct model *m)
{
    char name[300];
    uint32_t i = below(m, FIELDS), dice = below(m, 100);
    struct key key = key_of("h");
    struct hash_place p = place_of(&key, 0);
    struct cell *c = &m->cells[i];
    struct bytes field = field_name(i, name);
    if (dice < 40) {
        do_put(m, &p, c, field);
    } else if (dice < 60) {
        if (p.entry) MODEL_ASSERT(m, hash_remove(&p, field) == is_live(c));
        if (is_live(c)) c->there = false;
    } else if (dice < 80) {
        do_deadline(m, &p, c, field);
    } else if (dice < 85) {
        bool was = c->there && !is_live(c);
        bool is = hash_remove_expired(&p, field);
        MODEL_ASSERT(m, !is || was);
    } else if (dice < 95) {
        now_ms += below(m, 20);
    } else {
        hash_deadlines_step(&deadlines, now_ms, 1 + below(m, 40));
    }
}

static void compare(struct model *m)
{
    uint32_t live = 0, seen = 0;
    struct entry *e = find("h");
    for (uint32_t i = 0; i < FIELDS; i++) {
        const struct cell *c = &m->cells[i];
        char name[300], scratch[24];
        struct bytes value;
        uint64_t at;
        bool found = e && hash_get(k, e, field_name(i, name), now_ms, scratch, &value);
        MODEL_ASSERT(m, found == is_live(c));
        if (!found) continue;
        live++;
        MODEL_ASSERT(m, bytes_equal(value, bytes_make(c->value, c->size)));
        MODEL_ASSERT(m, hash_deadline(k, e, field_name(i, name), now_ms, &at));
        MODEL_ASSERT(m, at == c->deadline_ms);
    }
    if (!e) return;
    struct hash_cut cut;
    struct hash_iter iter;
    struct hash_field f;
    hash_view(e, now_ms, &cut);
    hash_iter_init(&iter, &cut);
    while (hash_iter_next(&iter, &f)) seen++;
    MODEL_ASSERT(m, cut.count == live);
    MODEL_ASSERT(m, seen == live);
    MODEL_ASSERT(m, hash_count(e) >= live);
}

// Cuts taken on the way are compared with what they showed at first.
static uint64_t cut_digest(const struct hash_cut *cut)
{
    struct hash_iter i;
    struct hash_field f;
    struct hash_key key = { 3, 4 };
    uint64_t digest = 0;
    hash_iter_init(&i, cut);
    while (hash_iter_next(&i, &f))
        digest += siphash_13(f.field.data, f.field.size, &key) * 31 +
                  siphash_13(f.value.data, f.value.size, &key) + f.deadline_ms;
    return digest;
}

static void run_model(uint64_t seed, uint32_t steps)
{
    static struct model m;
    struct hash_cut cut;
    uint64_t digest = 0;
    bool has_cut = false;
    memset(&m, 0, sizeof m);
    m.seed = seed;
    rng_seed(&m.rng, seed);
    thresholds = (struct thresholds){ .hash_entries = 1 + below(&m, 2 * FIELDS),
                                      .hash_value_bytes = 1 + below(&m, 2 * VALUE_MAX) };
    for (m.step = 0; m.step < steps; m.step++) {
        do_step(&m);
        if (m.step % 200) continue;
        compare(&m);
        if (has_cut) {
            MODEL_ASSERT(&m, cut_digest(&cut) == digest);
            hash_cut_drop(k, &cut);
        }
        has_cut = find("h") != NULL;
        if (!has_cut) continue;
        hash_cut(k, find("h"), now_ms, &cut);
        digest = cut_digest(&cut);
    }
    if (has_cut) hash_cut_drop(k, &cut);
    struct key key = key_of("h");
    keyspace_delete(k, 0, &key, now_ms);
}

Test(hash_value, does_what_a_plain_array_does)
{
    const char *given = getenv("PENSTOCK_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
    for (uint32_t run = 0; run < 12; run++) run_model(seed + run, 10000);
}
