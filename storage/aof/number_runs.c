#include "storage/aof/number_runs.h"

#include <string.h>
#include "dataplane/base/check.h"

enum { ROOM_FIRST = 16 };

void number_runs_init(struct number_runs *n, struct heap *heap)
{
    *n = (struct number_runs){ .heap = heap };
}

void number_runs_close(struct number_runs *n)
{
    if (n->runs) heap_give(n->heap, n->runs, n->room * sizeof *n->runs, HEAP_LOG);
    number_runs_init(n, n->heap);
}

// How many runs begin at number or before it. What comes is mostly beyond the last.
static size_t runs_up_to(const struct number_runs *n, uint64_t number)
{
    size_t low = 0, high = n->count;
    if (high && n->runs[high - 1].first <= number) return high;
    while (low < high) { // each turn halves what is between
        size_t middle = low + (high - low) / 2;
        if (n->runs[middle].first <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool number_runs_has(const struct number_runs *n, uint64_t number)
{
    size_t at = runs_up_to(n, number);
    return at > 0 && number <= n->runs[at - 1].last;
}

static void insert(struct number_runs *n, size_t at, uint64_t number)
{
    if (n->count == n->room) {
        size_t room = n->room ? 2 * n->room : ROOM_FIRST;
        n->runs = heap_resize(n->heap, n->runs, n->room * sizeof *n->runs, room * sizeof *n->runs,
                              HEAP_LOG);
        n->room = room;
    }
    memmove(&n->runs[at + 1], &n->runs[at], (n->count - at) * sizeof *n->runs);
    n->runs[at] = (struct number_run){ number, number };
    n->count++;
}

static void join(struct number_runs *n, size_t at) // with the one behind it
{
    n->runs[at].last = n->runs[at + 1].last;
    n->count--;
    memmove(&n->runs[at + 1], &n->runs[at + 2], (n->count - at - 1) * sizeof *n->runs);
}

void number_runs_add(struct number_runs *n, uint64_t number)
{
    size_t at = runs_up_to(n, number);
    CHECK(at == 0 || n->runs[at - 1].last < number);
    bool extends = at > 0 && n->runs[at - 1].last + 1 == number;
    bool precedes = at < n->count && number + 1 == n->runs[at].first;
    if (extends)
        n->runs[at - 1].last = number;
    else if (precedes)
        n->runs[at].first = number;
    else
        insert(n, at, number);
    if (extends && precedes) join(n, at - 1);
}
