#include "dataplane/lane/errand_slot.h"

#include <string.h>

#include "dataplane/base/check.h"

enum errand_state { STATE_FREE, STATE_ASKED, STATE_TAKEN, STATE_DONE, STATE_WITHDRAWN };

static uint64_t make_ticket(uint64_t number, enum errand_state state)
{
    return number << 8 | (uint64_t)state;
}

static uint64_t load_ticket(const struct errand_slot *s)
{
    return __atomic_load_n(&s->ticket, __ATOMIC_ACQUIRE);
}

static bool turn(struct errand_slot *s, uint64_t number, enum errand_state from,
                 enum errand_state to)
{
    uint64_t expected = make_ticket(number, from);
    return __atomic_compare_exchange_n(&s->ticket, &expected, make_ticket(number, to), false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void put_text(struct errand_text *to, struct bytes text)
{
    if (text.size) memcpy(to->bytes, text.data, text.size);
    to->size = (uint32_t)text.size;
}

static struct bytes get_text(const struct errand_text *from)
{
    uint32_t size = from->size;
    return bytes_make(from->bytes, size <= ERRAND_TEXT_BYTES ? size : 0);
}

// ---- the shard

void errand_slot_ask(struct errand_slot *s, uint64_t number, enum errand_kind kind,
                     struct bytes payload)
{
    CHECK(payload.size <= ERRAND_TEXT_BYTES);
    put_text(&s->request, payload);
    s->kind = (uint32_t)kind;
    __atomic_store_n(&s->ticket, make_ticket(number, STATE_ASKED), __ATOMIC_RELEASE);
}

bool errand_slot_answered(const struct errand_slot *s, uint64_t number,
                          enum errand_outcome *outcome, struct bytes *text)
{
    if (load_ticket(s) != make_ticket(number, STATE_DONE)) return false;
    *outcome = s->outcome == ERRAND_DONE ? ERRAND_DONE : ERRAND_FAILED;
    *text = get_text(&s->answer);
    return true;
}

bool errand_slot_is_taken(const struct errand_slot *s, uint64_t number)
{
    return load_ticket(s) == make_ticket(number, STATE_TAKEN);
}

bool errand_slot_withdraw(struct errand_slot *s, uint64_t number)
{
    return turn(s, number, STATE_ASKED, STATE_WITHDRAWN) ||
           turn(s, number, STATE_TAKEN, STATE_WITHDRAWN);
}

// ---- control

uint64_t errand_slot_take(struct errand_slot *s, bool restarted, enum errand_kind *kind,
                          struct bytes *text)
{
    uint64_t number = load_ticket(s) >> 8;
    bool is_ours =
        turn(s, number, STATE_ASKED, STATE_TAKEN) || (restarted && errand_slot_is_taken(s, number));
    if (!is_ours) return 0;
    *kind = s->kind < ERRAND_KIND_COUNT ? (enum errand_kind)s->kind : ERRAND_NONE;
    *text = get_text(&s->request);
    return number;
}

void errand_slot_finish(struct errand_slot *s, uint64_t number, enum errand_outcome outcome,
                        struct bytes text)
{
    static const char too_large[] = "the answer is larger than the shared region takes";
    if (text.size > ERRAND_TEXT_BYTES) {
        outcome = ERRAND_FAILED;
        text = bytes_make(too_large, sizeof too_large - 1);
    }
    // A shard that has given up meanwhile does not look here before it asks again; control answers
    // one at a time.
    put_text(&s->answer, text);
    s->outcome = (uint32_t)outcome;
    (void)turn(s, number, STATE_TAKEN, STATE_DONE);
}
