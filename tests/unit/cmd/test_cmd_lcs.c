#include "tests/unit/cmd/harness.h"

static struct harness *h;
static void open_harness(void) { h = harness_open(); }
static void close_harness(void) { harness_close(h); }
TestSuite(cmd_lcs, .init = open_harness, .fini = close_harness);

// The textbook table, and the walk that Redis does over it: at a mismatch up when that is longer.
static size_t lcs_by_table(const char *a, const char *b, char *out)
{
    size_t m = strlen(a), n = strlen(b);
    uint32_t *table = calloc((m + 1) * (n + 1), sizeof *table);
#define AT(i, j) table[(i) * (n + 1) + (j)]
    for (size_t i = 1; i <= m; i++)
        for (size_t j = 1; j <= n; j++)
            AT(i, j) = a[i - 1] == b[j - 1]          ? AT(i - 1, j - 1) + 1
                       : AT(i - 1, j) > AT(i, j - 1) ? AT(i - 1, j)
                                                     : AT(i, j - 1);
    size_t length = AT(m, n), at = length;
    for (size_t i = m, j = n; at > 0;) {
        if (a[i - 1] == b[j - 1]) {
            out[--at] = a[--i];
            j--;
        } else if (AT(i - 1, j) > AT(i, j - 1))
            i--;
        else
            j--;
    }
#undef AT
    free(table);
    out[length] = 0;
    return length;
}

Test(cmd_lcs, agrees_with_the_textbook_on_random_strings)
{
    struct rng rng;
    rng_seed(&rng, 20);
    for (int round = 0; round < 400; round++) {
        char a[300], b[300], expected[300], command[700], reply[400];
        uint64_t letters = 1 + rng_below(&rng, 5);
        size_t m = rng_below(&rng, 299), n = rng_below(&rng, 299);
        for (size_t i = 0; i < m; i++) a[i] = (char)('a' + rng_below(&rng, letters));
        for (size_t i = 0; i < n; i++) b[i] = (char)('a' + rng_below(&rng, letters));
        a[m] = b[n] = 0;
        size_t length = lcs_by_table(a, b, expected);
        snprintf(command, sizeof command, "mset a \"%s\" b \"%s\"", a, b);
        harness_run(h, command);
        snprintf(reply, sizeof reply, "$%zu\r\n%s\r\n", length, expected);
        EXPECT_REPLY(h, "lcs a b", reply);
        snprintf(reply, sizeof reply, ":%zu\r\n", length);
        EXPECT_REPLY(h, "lcs a b len", reply);
    }
}

// The example of Redis's documentation of LCS.
Test(cmd_lcs, shows_matches_from_the_end)
{
    harness_run(h, "mset key1 ohmytext key2 mynewtext");
    EXPECT_REPLY(h, "lcs key1 key2", "$6\r\nmytext\r\n");
    EXPECT_REPLY(h, "lcs key1 key2 len", ":6\r\n");
    EXPECT_REPLY(h, "lcs key1 key2 idx",
                 "*4\r\n$7\r\nmatches\r\n*2\r\n*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n"
                 "*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n$3\r\nlen\r\n:6\r\n");
    EXPECT_REPLY(h, "lcs key1 key2 idx minmatchlen 4 withmatchlen",
                 "*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n"
                 "$3\r\nlen\r\n:6\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "lcs key1 none idx", "%2\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n");
}

Test(cmd_lcs, refuses_len_with_idx_and_what_it_does_not_know)
{
    EXPECT_REPLY(h, "lcs a b len idx",
                 "-ERR If you want both the length and indexes, please just use IDX.\r\n");
    EXPECT_REPLY(h, "lcs a b foo", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "lcs a b minmatchlen", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "lcs a b minmatchlen x", "-ERR value is not an integer or out of range\r\n");
    EXPECT_REPLY(h, "lcs a b", "$0\r\n\r\n");
    EXPECT_REPLY(h, "lcs a b minmatchlen -1 idx",
                 "*4\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n");
}

// Redis 7.0.15: 4 * (a + 1) * (b + 1) bytes may not exceed proto-max-bulk-len.
Test(cmd_lcs, refuses_what_would_not_fit_a_table_of_the_longest_bulk)
{
    static const char *const text =
        "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n";
    harness_run(h, "setrange a 1022 x");
    harness_run(h, "setrange b 1023 x");
    h->settings.proto_max_bulk_len = 4 * 1024 * 1025;
    EXPECT_REPLY(h, "lcs a b len", ":1023\r\n");
    h->settings.proto_max_bulk_len--;
    EXPECT_REPLY(h, "lcs a b len", text);
    EXPECT_REPLY(h, "lcs a b idx", text);
    h->settings.proto_max_bulk_len = 1ull << 40;
    harness_run(h, "setrange a 99999 x");
    harness_run(h, "setrange b 99999 x");
    EXPECT_REPLY(h, "lcs a b len",
                 "-ERR Insufficient memory, failed allocating transient memory for LCS\r\n");
}

// A pattern of few letters needs few masks: memory follows the product of the sizes.
Test(cmd_lcs, takes_memory_only_as_its_bound_says)
{
    harness_run(h, "set a xy");
    harness_run(h, "setrange b 4194303 y");
    harness_run(h, "lcs a none"); // a command's first call opens its histogram
    uint64_t before = h->heap.bytes_total, row_bytes = 4194304 / 8;
    h->heap.bytes_peak = before;
    EXPECT_REPLY(h, "lcs a b", "$1\r\ny\r\n");
    cr_expect(le(u64, h->heap.bytes_peak - before, 7 * row_bytes + 65536)); // 3 rows, 3 masks
    EXPECT_REPLY(h, "lcs b a len", ":1\r\n");
    h->heap.bytes_peak = before;
    EXPECT_REPLY(h, "lcs b none", "$0\r\n\r\n");
    cr_expect(le(u64, h->heap.bytes_peak - before, 65536));
    cr_expect(eq(u64, h->heap.bytes_total, before));
}

static void set_random(struct rng *rng, const char *key, char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) text[i] = (char)('a' + rng_below(rng, 4));
    text[size] = 0;
    struct bytes args[] = { BYTES_LITERAL("set"), bytes_text(key), bytes_make(text, size) };
    harness_run_args(h, args, 3);
}

// Of what the strings were when it began, whatever is written to them meanwhile.
Test(cmd_lcs, takes_slices_for_large_strings)
{
    static char a[5001], b[5001], expected[5001], reply[6000];
    struct harness_client *c = harness_client_open(h);
    struct rng rng;
    rng_seed(&rng, 21);
    set_random(&rng, "a", a, 5000);
    set_random(&rng, "b", b, 4900);
    size_t length = lcs_by_table(a, b, expected);
    h->no_slices = true;
    cr_expect(eq(str, (char *)harness_client_run(c, "lcs a b"), ""));
    jobs_run(&h->server, 1);
    harness_run(h, "setrange a 100 zzzzzz");
    harness_run(h, "del b");
    h->no_slices = false;
    harness_run(h, "ping");
    cr_expect(gt(u32, h->slices, 100));
    snprintf(reply, sizeof reply, "$%zu\r\n%s\r\n", length, expected);
    cr_expect(eq(str, (char *)harness_client_wire(c), reply));
    harness_client_close(c);
}

// All answers of a long one are those of a short one.
Test(cmd_lcs, gives_every_answer_in_slices)
{
    static char a[3001], b[3001], expected[3001], reply[64];
    struct rng rng;
    rng_seed(&rng, 22);
    set_random(&rng, "a", a, 3000);
    set_random(&rng, "b", b, 2000);
    size_t length = lcs_by_table(a, b, expected);
    snprintf(reply, sizeof reply, ":%zu\r\n", length);
    EXPECT_REPLY(h, "lcs a b len", reply);
    cr_expect(gt(u32, h->slices, 10));
    harness_run(h, "lcs a b idx withmatchlen");
    cr_expect(gt(u32, h->slices, 10));
    size_t sum = 0;
    long a_first, a_last, b_first, b_last, size, a_before = 3000, b_before = 2000;
    char *at = strchr(strchr(h->wire + 1, '*') + 1, '\n') + 1;
    while (sscanf(at, "*3\r\n*2\r\n:%ld\r\n:%ld\r\n*2\r\n:%ld\r\n:%ld\r\n:%ld", &a_first, &a_last,
                  &b_first, &b_last, &size) == 5) {
        cr_assert(a_last - a_first == size - 1 && b_last - b_first == size - 1);
        cr_assert(a_last < a_before && b_last < b_before);
        cr_assert(zero(int, memcmp(a + a_first, b + b_first, (size_t)size)));
        sum += (size_t)size;
        a_before = a_first;
        b_before = b_first;
        for (int lines = 0; lines < 8; lines++) at = strchr(at, '\n') + 1;
    }
    cr_expect(eq(sz, sum, length));
}
