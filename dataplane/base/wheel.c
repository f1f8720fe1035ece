#include "dataplane/base/wheel.h"
#include "dataplane/base/check.h"

// A timer lies on the level of the highest byte in which its deadline differs from now, in the slot
// of that byte. So a level's timers lie in slots behind now's own, every timer of a level is due
// before any timer of the level above, and the earliest work is the first occupied slot of the
// lowest level that has one. When now reaches the start of a slot above level 0, its timers move
// down. In the last level slot 0 is behind nobody, so it holds what lies beyond the wheel's reach
// and is looked at when now enters the next 2^40 ticks.
enum { SPAN_BITS = WHEEL_LEVELS * WHEEL_SLOT_BITS, SLOT_MASK = WHEEL_SLOTS - 1, SCAN_MAX = 16 };

static void head_init(struct wheel_timer *head) { head->next = head->prev = head; }
static bool head_is_empty(const struct wheel_timer *head) { return head->next == head; }

static void link_last(struct wheel_timer *head, struct wheel_timer *t)
{
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

// Moves all timers of from behind those of to.
static void splice_last(struct wheel_timer *to, struct wheel_timer *from)
{
    if (head_is_empty(from)) return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    head_init(from);
}

static void unlink_timer(struct wheel_timer *t)
{
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->next = t->prev = NULL;
}

void wheel_init(struct wheel *w, uint64_t now)
{
    *w = (struct wheel){ .now = now };
    head_init(&w->due);
    head_init(&w->late);
    head_init(&w->moving);
    for (int level = 0; level < WHEEL_LEVELS; level++)
        for (int slot = 0; slot < WHEEL_SLOTS; slot++) head_init(&w->slots[level][slot]);
}

// deadline > now.
static void place(struct wheel *w, struct wheel_timer *t)
{
    unsigned level = (63U - (unsigned)__builtin_clzll(t->deadline ^ w->now)) / WHEEL_SLOT_BITS;
    unsigned slot = 0;
    if (level < WHEEL_LEVELS)
        slot = (unsigned)(t->deadline >> (level * WHEEL_SLOT_BITS)) & SLOT_MASK;
    else
        level = WHEEL_LEVELS - 1;
    link_last(&w->slots[level][slot], t);
    w->occupied[level][slot / 64] |= 1ULL << (slot % 64);
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, uint64_t deadline)
{
    CHECK(!wheel_is_armed(t));
    t->deadline = deadline;
    w->armed_count++;
    if (deadline > w->now)
        place(w, t);
    else
        link_last(&w->late, t);
}

// When t is alone in a slot, its neighbours are one and the same head, and the slot becomes empty.
static void clear_slot_of(struct wheel *w, const struct wheel_timer *head)
{
    uintptr_t offset = (uintptr_t)head - (uintptr_t)w->slots;
    if (offset >= sizeof(w->slots)) return; // due, late or moving
    unsigned index = (unsigned)(offset / sizeof(struct wheel_timer));
    unsigned slot = index % WHEEL_SLOTS;
    w->occupied[index / WHEEL_SLOTS][slot / 64] &= ~(1ULL << (slot % 64));
}

void wheel_cancel(struct wheel *w, struct wheel_timer *t)
{
    if (!wheel_is_armed(t)) return;
    if (t->next == t->prev) clear_slot_of(w, t->next);
    unlink_timer(t);
    w->armed_count--;
}

void wheel_moved(struct wheel_timer *t)
{
    if (!wheel_is_armed(t)) return;
    t->prev->next = t;
    t->next->prev = t;
}

// The first occupied slot at or behind from; WHEEL_SLOTS when there is none.
static unsigned find_slot(const uint64_t *occupied, unsigned from)
{
    uint64_t mask = ~0ULL << (from % 64);
    for (unsigned word = from / 64; word < WHEEL_SLOTS / 64; word++, mask = ~0ULL) {
        uint64_t bits = occupied[word] & mask;
        if (bits) return word * 64 + (unsigned)__builtin_ctzll(bits);
    }
    return WHEEL_SLOTS;
}

struct event {
    unsigned level, slot;
    uint64_t tick; // the slot's first
};

static bool find_event(const struct wheel *w, struct event *e)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        unsigned shift = level * WHEEL_SLOT_BITS;
        unsigned own = (unsigned)(w->now >> shift) & SLOT_MASK;
        unsigned slot = own == SLOT_MASK ? WHEEL_SLOTS : find_slot(w->occupied[level], own + 1);
        if (slot == WHEEL_SLOTS) continue;
        uint64_t block = w->now >> shift >> WHEEL_SLOT_BITS << WHEEL_SLOT_BITS;
        *e = (struct event){ level, slot, (block | slot) << shift };
        return true;
    }
    if (!(w->occupied[WHEEL_LEVELS - 1][0] & 1)) return false;
    *e = (struct event){ WHEEL_LEVELS - 1, 0, ((w->now >> SPAN_BITS) + 1) << SPAN_BITS };
    return true;
}

static void start_event(struct wheel *w, const struct event *e)
{
    w->now = e->tick;
    w->occupied[e->level][e->slot / 64] &= ~(1ULL << (e->slot % 64));
    splice_last(e->level == 0 ? &w->due : &w->moving, &w->slots[e->level][e->slot]);
}

static void move_one_down(struct wheel *w)
{
    struct wheel_timer *t = w->moving.next;
    unlink_timer(t);
    if (t->deadline <= w->now)
        link_last(&w->due, t);
    else
        place(w, t);
}

uint32_t wheel_advance(struct wheel *w, uint64_t now, uint32_t budget,
                       void (*fire)(void *context, struct wheel_timer *t), void *context)
{
    // What fire arms for the past waits in late for the next call: it cannot keep this one going.
    splice_last(&w->due, &w->late);
    uint32_t done = 0;
    struct event e;
    while (done < budget) {
        if (!head_is_empty(&w->moving)) {
            move_one_down(w);
        } else if (!head_is_empty(&w->due)) {
            struct wheel_timer *t = w->due.next;
            unlink_timer(t);
            w->armed_count--;
            fire(context, t);
        } else {
            if (find_event(w, &e) && e.tick <= now) {
                start_event(w, &e);
                continue; // it holds a timer at least: the next round counts
            }
            if (now > w->now) w->now = now;
            break;
        }
        done++;
    }
    return done;
}

// The earliest deadline of a slot with few timers; the slot's first tick when there are many.
static uint64_t slot_earliest(const struct wheel *w, const struct event *e)
{
    const struct wheel_timer *head = &w->slots[e->level][e->slot];
    uint64_t earliest = UINT64_MAX;
    int seen = 0;
    for (const struct wheel_timer *t = head->next; t != head; t = t->next) {
        if (++seen > SCAN_MAX) return e->tick;
        if (t->deadline < earliest) earliest = t->deadline;
    }
    return earliest;
}

uint64_t wheel_next(const struct wheel *w)
{
    if (!head_is_empty(&w->due) || !head_is_empty(&w->late) || !head_is_empty(&w->moving))
        return w->now;
    struct event e;
    if (!find_event(w, &e)) return UINT64_MAX;
    return e.level == 0 ? e.tick : slot_earliest(w, &e);
}

static struct wheel_timer *nth_of(const struct wheel_timer *head, uint64_t n)
{
    struct wheel_timer *t = head->next;
    while (n-- > 0) t = t->next == head ? head->next : t->next;
    return t;
}

struct wheel_timer *wheel_any(const struct wheel *w, uint64_t seed)
{
    const uint64_t slot_count = WHEEL_LEVELS * WHEEL_SLOTS;
    uint64_t start = seed % slot_count, nth = (seed >> 32) % SCAN_MAX;
    if (w->armed_count == 0) return NULL;
    for (uint64_t i = 0; i < slot_count; i++) {
        uint64_t at = (start + i) % slot_count;
        uint64_t level = at / WHEEL_SLOTS, slot = at % WHEEL_SLOTS;
        if (w->occupied[level][slot / 64] == 0) { // nothing in 64 slots: to the next 64
            i += 63 - slot % 64;
            continue;
        }
        const struct wheel_timer *head = &w->slots[level][slot];
        if (!head_is_empty(head)) return nth_of(head, nth);
    }
    const struct wheel_timer *heads[] = { &w->due, &w->late, &w->moving };
    for (uint32_t i = 0; i < 3; i++)
        if (!head_is_empty(heads[i])) return nth_of(heads[i], nth);
    return NULL;
}
