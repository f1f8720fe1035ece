#include "dataplane/cmd/defrag.h"
#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void)
{
    h = harness_open();
    h->settings.enable_debug_command = LOCAL_YES;
}
static void close_harness(void) { harness_close(h); }
TestSuite(defrag, .init = open_harness, .fini = close_harness);

static void run(const char *format, ...)
{
    char command[8192];
    va_list values;
    va_start(values, format);
    vsnprintf(command, sizeof command, format, values);
    va_end(values);
    harness_run(h, command);
}

static const char *text_of(char size, int bytes)
{
    static char text[8192];
    memset(text, size, (size_t)bytes);
    text[bytes] = 0;
    return text;
}

// Strings of every form, collections small and large, deadlines on keys and fields.
static void fill(void)
{
    for (int i = 0; i < 300; i++) {
        run("set string:%d %s", i, text_of('a', i));
        run("set timed:%d %d ex %d", i, i, 100 + i);
        run("set %s:%d v", text_of('k', 200), i);
    }
    for (int i = 0; i < 20; i++) run("set blob:%d %s", i, text_of('b', 2000 + i));
    for (int i = 0; i < 3000; i++) {
        run("rpush list element:%d", i);
        run("sadd set member:%d", i);
        run("zadd zset %d member:%d", i, i);
        run("hset hash field:%d value:%d", i, i);
        if (i % 10 == 0) run("hpexpire hash %d fields 1 field:%d", 60000 + i, i);
        run("xadd stream %d-1 f %d", i + 1, i);
    }
    run("hset small a 1 b 2");
    run("xgroup create stream g 0");
    run("xreadgroup group g c count 10 streams stream >");
    run("copy set copy");
    run("select 3");
    run("set other 1");
    run("select 0");
}

static const char *digest(void)
{
    static char text[64];
    harness_run(h, "debug digest");
    snprintf(text, sizeof text, "%.60s", h->wire);
    return text;
}

static void pass(bool moves_all, struct relocate_pass *p)
{
    relocate_begin(p, h->server.keyspace);
    p->moves_all = moves_all;
    while (!relocate_step(p, 0)) continue; // as little as possible at a time
    relocate_end(p);
}

Test(defrag, changes_nothing_that_a_command_can_see)
{
    char before[64];
    struct relocate_pass p;
    fill();
    snprintf(before, sizeof before, "%s", digest());
    uint64_t booked = h->heap.bytes[HEAP_DATASET];
    for (int i = 0; i < 3; i++) pass(true, &p);
    cr_expect(eq(str, (char *)(uintptr_t)digest(), before));
    cr_expect(eq(u64, h->heap.bytes[HEAP_DATASET], booked));
    cr_expect(ge(u64, p.keys_moved, 3 * 300 + 20 + 7));
    cr_expect(eq(u64, p.keys_kept, 0));
    // The set's nodes are shared with its copy: its object moves, they do not.
    EXPECT_REPLY(h, "scard copy", ":3000\r\n");
    EXPECT_REPLY(h, "zrank zset member:1234", ":1234\r\n");
    EXPECT_REPLY(h, "lindex list 2999", "$12\r\nelement:2999\r\n");
    EXPECT_REPLY(h, "xlen stream", ":3000\r\n");
}

Test(defrag, takes_deadlines_along)
{
    struct relocate_pass p;
    fill();
    pass(true, &p);
    harness_set_time(h, HARNESS_START_MS + 150 * 1000);
    while (keyspace_expire_step(h->server.keyspace, h->now_ms, 1000)) continue;
    while (hash_expiry_step(&h->server, h->now_ms, 1000)) continue;
    EXPECT_REPLY(h, "hlen hash", ":2700\r\n");
    EXPECT_REPLY(h, "exists timed:50", ":0\r\n");
    EXPECT_REPLY(h, "exists timed:51", ":1\r\n");
    pass(true, &p);
    harness_set_time(h, HARNESS_START_MS + 1000 * 1000);
    while (keyspace_expire_step(h->server.keyspace, h->now_ms, 1000)) continue;
    cr_expect(eq(u64, keyspace_deadline_count(h->server.keyspace, 0), 0));
}

// Writes between the slices: keys come and go, split leaves, change types.
Test(defrag, goes_on_beside_writes)
{
    struct relocate_pass p;
    fill();
    relocate_begin(&p, h->server.keyspace);
    p.moves_all = true;
    for (uint32_t i = 0; !relocate_step(&p, 0); i++) {
        uint32_t n = i * 7919 % 3000;
        switch (i % 8) {
        case 0:
            run("srem set member:%u", n);
            break;
        case 1:
            run("lset list %u changed", n);
            break;
        case 2:
            run("zadd zset %u new:%u", n, i);
            break;
        case 3:
            run("hdel hash field:%u", n);
            break;
        case 4:
            run("del string:%u", n % 300);
            break;
        case 5:
            run("append blob:%u x", n % 20);
            break;
        case 6:
            run("xdel stream %u-1", n + 1);
            break;
        default:
            if (i == 2007) run("del list");
            if (i == 3007) run("set zset plain");
            if (i == 4007) run("flushdb");
            run("rpush list2 %u", n);
        }
    }
    relocate_end(&p);
    cr_expect(gt(u64, p.moved, 0));
    (void)digest(); // reads everything there is
}

Test(defrag, leaves_what_others_hold)
{
    struct relocate_pass p;
    run("set k %s", text_of('b', 5000));
    struct key key = key_make(h->server.keyspace, BYTES_LITERAL("k"));
    struct string_view view;
    string_read(keyspace_peek(h->server.keyspace, 0, &key), &view);
    struct blob *held = blob_hold(view.blob);
    pass(true, &p);
    string_read(keyspace_peek(h->server.keyspace, 0, &key), &view);
    cr_expect(eq(ptr, view.blob, held));
    blob_release(held);
    pass(true, &p);
    string_read(keyspace_peek(h->server.keyspace, 0, &key), &view);
    cr_expect(ne(ptr, view.blob, held));
}

Test(defrag, fills_sparse_pages)
{
    enum { KEYS = 50000 };
    struct heap_pages before, after;
    struct relocate_pass p;
    if (!heap_can_relocate()) return; // under AddressSanitizer
    for (int i = 0; i < KEYS; i++) run("set key:%d %s", i, text_of('v', 20 + i % 60));
    for (int i = 0; i < KEYS; i++)
        if (i % 10) run("del key:%d", i);
    char digest_before[64];
    snprintf(digest_before, sizeof digest_before, "%s", digest());
    heap_measure(&h->heap, &before);
    pass(false, &p);
    heap_measure(&h->heap, &after);
    uint64_t waste = before.active_bytes - before.allocated_bytes;
    cr_expect(lt(u64, after.active_bytes - after.allocated_bytes, waste / 4));
    cr_expect(eq(str, (char *)(uintptr_t)digest(), digest_before));
    uint64_t moved = p.moved;
    pass(false, &p);
    cr_expect(lt(u64, p.moved, moved / 20)); // it is done
}

// ---- when it runs

static void set_waste(uint64_t allocated, uint64_t active)
{
    h->tally.heap_allocated = allocated;
    h->tally.heap_active = active;
}

static uint32_t share_at(uint64_t percent)
{
    set_waste(1000 << 20, (1000 << 20) + (percent * 10 << 20));
    defrag_cron(&h->server);
    return h->server.defrag.percent;
}

Test(defrag, begins_when_both_thresholds_are_passed)
{
    if (!heap_can_relocate()) return;
    struct defrag *d = &h->server.defrag;
    cr_expect(eq(u32, share_at(50), 0)); // not switched on
    h->settings.activedefrag = true;
    set_waste(50 << 20, 100 << 20); // much, but of little
    defrag_cron(&h->server);
    cr_expect(eq(int, d->is_running, 0));
    cr_expect(eq(u32, share_at(9), 0));
    h->settings.active_defrag_ignore_bytes = 1;
    cr_expect(eq(u32, share_at(10), 1));
    cr_expect(eq(u32, share_at(55), 13));
    cr_expect(eq(u32, share_at(100), 25));
    cr_expect(eq(u32, share_at(500), 25));
    cr_expect(lt(u64, defrag_next_ns(&h->server), UINT64_MAX));
    h->settings.activedefrag = false;
    defrag_cron(&h->server);
    cr_expect(eq(int, d->is_running, 0));
    cr_expect(eq(u64, defrag_next_ns(&h->server), UINT64_MAX));
}

Test(defrag, rests_after_a_pass_that_won_nothing)
{
    if (!heap_can_relocate()) return;
    struct defrag *d = &h->server.defrag;
    run("set k v");
    h->server.ops = NULL; // nobody measures anew
    h->settings.activedefrag = true;
    h->settings.active_defrag_ignore_bytes = 1;
    cr_expect(eq(u32, share_at(100), 25));
    while (d->is_running) (void)defrag_turn(&h->server);
    cr_expect(eq(u64, d->hits, 0));
    cr_expect(eq(u64, d->key_misses, 1));
    cr_expect(eq(u32, share_at(100), 0));
    h->server.now_ns += 31ull * 1000000000;
    cr_expect(eq(u32, share_at(100), 25));
    defrag_reset_stats(&h->server);
    cr_expect(eq(u64, d->key_misses, 0));
}
