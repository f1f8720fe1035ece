#include "storage/rdb/rdb_lzf.h"
#include "tests/unit/storage/rdb_fixture.h"

// Text of words, so that there is something to refer to.
static struct bytes words_of(uint64_t seed, size_t size)
{
    static const char *const words[] = { "cache",      "shard",    "a", "queue ",
                                         "0123456789", "\0\0\0\0", "x" };
    uint8_t *out = malloc(size + 16);
    struct rng rng;
    rng_seed(&rng, seed);
    for (size_t at = 0; at < size;) {
        const char *word = words[rng_below(&rng, 7)];
        size_t take = word[0] ? strlen(word) : 4;
        memcpy(out + at, word, take);
        at += take;
        if (rng_below(&rng, 5) == 0) out[at - 1] = (uint8_t)rng_next(&rng);
    }
    return bytes_make(out, size);
}

static enum lzf_result expand(struct bytes stream, uint8_t *out, size_t size, size_t budget)
{
    struct lzf_expander x = { .in = stream, .out = out, .size = size };
    enum lzf_result result;
    while ((result = lzf_expand(&x, budget)) == LZF_MORE) cr_assert_leq(x.at, size);
    return result;
}

// What liblzf makes, in whatever portions it is expanded.
Test(rdb_lzf, expands_what_it_packed)
{
    static const size_t sizes[] = { 5,   33,   100,  263,  264,   265,
                                    300, 8191, 8192, 8193, 20000, LZF_PIECE_BYTES };
    static const size_t budgets[] = { 1, 100, 65536 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (uint64_t seed = 0; seed < 10; seed++) {
            struct bytes text = words_of(seed, sizes[i]);
            uint8_t *packed = malloc(LZF_BOUND(text.size)), *out = malloc(text.size);
            size_t size = lzf_pack(text, packed, LZF_BOUND(text.size));
            if (!size) size = lzf_pack_literally(text, packed);
            cr_assert_leq(size, LZF_BOUND(text.size));
            struct bytes stream = exact_copy(bytes_make(packed, size));
            for (size_t b = 0; b < 3; b++) {
                memset(out, 0, text.size);
                cr_expect_eq(expand(stream, out, text.size, budgets[b]), LZF_DONE);
                cr_expect_arr_eq(out, text.data, text.size);
                cr_expect_eq(expand(stream, out, text.size - 1, budgets[b]), LZF_BROKEN);
            }
            free_bytes(stream);
            free_bytes(text);
            free(packed);
            free(out);
        }
}

Test(rdb_lzf, says_so_when_it_cannot_make_a_text_shorter)
{
    uint8_t noise[1000], packed[1000];
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)rng_next(&rng);
    cr_expect_eq(lzf_pack(bytes_make(noise, sizeof noise), packed, sizeof noise - 4), 0);
}

// Streams behind one another are a stream.
Test(rdb_lzf, expands_pieces_that_were_packed_by_themselves)
{
    struct bytes text = words_of(3, 90000);
    uint8_t *packed = malloc(LZF_BOUND(text.size) * 2), *out = malloc(text.size);
    size_t size = 0;
    for (size_t at = 0; at < text.size; at += 30000) {
        struct bytes piece = bytes_make(text.data + at, 30000);
        size += at == 30000 ? lzf_pack_literally(piece, packed + size)
                            : lzf_pack(piece, packed + size, LZF_BOUND(30000u));
    }
    cr_expect_eq(expand(bytes_make(packed, size), out, text.size, 1000), LZF_DONE);
    cr_expect_arr_eq(out, text.data, text.size);
    free_bytes(text);
    free(packed);
    free(out);
}

// spec/rdb.md section 4.1
Test(rdb_lzf, refuses_streams_that_leave_their_bounds)
{
    static const struct {
        const char *hex;
        size_t size;
        enum lzf_result result;
    } cases[] = {
        { "01 6161 e00a00", 21, LZF_DONE }, // a length of its own byte, overlapping
        { "00 61 2000", 4, LZF_DONE },      // the shortest reference
        { "", 0, LZF_DONE },
        { "", 1, LZF_BROKEN },
        { "01 61", 2, LZF_BROKEN },     // literal cut
        { "01 6161", 1, LZF_BROKEN },   // literal too long for the text
        { "00 61 20", 4, LZF_BROKEN },  // no distance
        { "00 61 e0", 10, LZF_BROKEN }, // no length
        { "00 61 e000", 10, LZF_BROKEN },
        { "00 61 2001", 4, LZF_BROKEN }, // before the beginning
        { "20 00", 3, LZF_BROKEN },      // nothing to refer to
        { "00 61 2000", 3, LZF_BROKEN }, // reference too long for the text
        { "00 61 3fff", 4, LZF_BROKEN }, // 8192 bytes back
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes in = hex_bytes(cases[i].hex);
        uint8_t *out = malloc(cases[i].size + 1);
        cr_expect_eq(expand(in, out, cases[i].size, 1), cases[i].result, "%s", cases[i].hex);
        free(out);
        free_bytes(in);
    }
}
