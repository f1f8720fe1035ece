// lcs.h: the longest common subsequence of two strings, row by row over bit vectors, in as many
// steps as the caller likes.
//
// Source:  Hyyrö, "Bit-parallel LCS-length computation revisited" (2004). Which of several equally
//          long answers is found: Redis 7.2
// Thread:  the shard
// Memory:  HEAP_OTHER: as many bits as the table would have cells for the path, and again for the
//          masks
// Cost:    a.size * b.size / 64 words
//
// Let L(i,j) be the answer for the first i bytes of a and j of b. Row i keeps one bit per j: 0
// where L(i,j) = L(i,j-1) + 1. Walking back from the end at a mismatch, L(i-1,j) > L(i,j-1) exactly
// when that bit is 0 (then L(i,j) must come from above), so the rows are all that the walk needs.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "dataplane/base/bytes.h"
#include "dataplane/base/heap.h"

enum lcs_phase { LCS_LETTERS, LCS_CLEAR, LCS_MARK, LCS_ROWS, LCS_COUNT, LCS_WALK };

struct lcs {
    struct heap *heap; // borrowed, as are the texts
    struct bytes a, b;
    bool has_path; // every row is kept, for lcs_walk
    enum lcs_phase phase;
    size_t done;          // of the phase: bytes, words or rows
    size_t word_count;    // of a row: bits of b
    uint16_t letter[256]; // byte value to row of masks; letter_count: not in a
    uint32_t letter_count;
    uint64_t *masks; // a row for each letter of a: where in b it is; and one without
    uint64_t *rows;  // a.size + 1 rows when the path is wanted, else one
    size_t masks_bytes, rows_bytes;
    size_t word; // of the row under way
    unsigned long long carry;
    uint64_t length; // the answer, once lcs_step was false
    size_t i, j;     // where the walk is
};
void lcs_open(struct lcs *l, struct heap *heap, struct bytes a, struct bytes b, bool has_path);
bool lcs_step(struct lcs *l); // some microseconds of it; false: the length is known
void lcs_close(struct lcs *l);

// From the end to the front: one byte of a, of b or of both is passed. Not at the front.
static inline bool lcs_is_at_front(const struct lcs *l) { return l->i == 0 || l->j == 0; }
bool lcs_walk(struct lcs *l); // true: of both, a.data[l->i] is common
