// wheel.h: hierarchical timing wheel. Timers are intrusive; adding and cancelling is O(1), firing
// is bounded per call.
//
// Source:  Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", scheme 7
// Thread:  its owner's
// Memory:  the slots are inside the struct (WHEEL_LEVELS x WHEEL_SLOTS list heads); timers belong
// to who embeds them Units:   ticks; the owner says what a tick is (1 ms for keys and for TCP)
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WHEEL_LEVELS = 5, WHEEL_SLOT_BITS = 8, WHEEL_SLOTS = 1 << WHEEL_SLOT_BITS };

struct wheel_timer {
    struct wheel_timer *next, *prev; // NULL when not armed
    uint64_t deadline; // tick; later than the wheel can hold is kept in its last level and looked
                       // at again
};

struct wheel {
    uint64_t now; // every timer with deadline <= now has fired or is in due
    uint64_t armed_count;
    struct wheel_timer due;    // list head: reached, not yet fired (budget was spent)
    struct wheel_timer late;   // list head: armed for now or earlier, fires at the next advance
    struct wheel_timer moving; // list head: on the way down a level (budget was spent)
    uint64_t occupied[WHEEL_LEVELS][WHEEL_SLOTS / 64];
    struct wheel_timer slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now);
static inline bool wheel_is_armed(const struct wheel_timer *t) { return t->next != NULL; }
// A deadline at or before now fires at the next advance. t must not be armed.
void wheel_arm(struct wheel *w, struct wheel_timer *t, uint64_t deadline);
void wheel_cancel(struct wheel *w, struct wheel_timer *t); // no-op when not armed
// An armed timer whose memory moved (entry reallocated): relinks its neighbours to the new place.
void wheel_moved(struct wheel_timer *t);
// Advances to now (never backwards) and hands due timers to fire, disarmed, one per call, in
// deadline order to the tick; those armed for the past come first, in the order they were armed.
// fire may arm and cancel any timer, but not advance; what it arms for wheel->now or earlier fires
// at the next advance. Returns the work done, timers fired and timers moved down a level, at most
// budget; budget means there may be more: then wheel->now may lag behind and the next call goes on.
uint32_t wheel_advance(struct wheel *w, uint64_t now, uint32_t budget,
                       void (*fire)(void *context, struct wheel_timer *t), void *context);
// A tick no later than the earliest deadline to come, exact within the first level and wherever the
// earliest slot holds few timers; wheel->now when something is due already; UINT64_MAX when nothing
// is armed. What a sleeping loop may sleep until.
uint64_t wheel_next(const struct wheel *w);
// An armed timer, drawn by seed: from the first occupied slot at or behind a random one. Not
// uniform (slots hold different numbers), but every timer may be drawn. NULL: none is armed.
struct wheel_timer *wheel_any(const struct wheel *w, uint64_t seed);
