#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/lane/errand_slot.h"

static struct errand_slot *slot;
static enum errand_kind kind;
static enum errand_outcome outcome;
static struct bytes text;

static void open_slot(void) { slot = calloc(1, sizeof *slot); }
static void close_slot(void) { free(slot); }
TestSuite(errand_slot, .init = open_slot, .fini = close_slot);

static bool text_is(const char *want)
{
    return text.size == strlen(want) && memcmp(text.data, want, text.size) == 0;
}

Test(errand_slot, carries_a_request_there_and_an_answer_back)
{
    cr_expect(zero(u64, errand_slot_take(slot, true, &kind, &text)));
    errand_slot_ask(slot, 1, ERRAND_ACL_SAVE, bytes_text("users"));
    cr_expect(not(errand_slot_is_taken(slot, 1)));
    cr_expect(not(errand_slot_answered(slot, 1, &outcome, &text)));
    cr_assert(eq(u64, errand_slot_take(slot, false, &kind, &text), 1));
    cr_expect(eq(int, kind, ERRAND_ACL_SAVE));
    cr_expect(text_is("users"));
    cr_expect(errand_slot_is_taken(slot, 1));
    cr_expect(not(errand_slot_answered(slot, 1, &outcome, &text)));
    errand_slot_finish(slot, 1, ERRAND_FAILED, bytes_text("No space left on device"));
    cr_assert(errand_slot_answered(slot, 1, &outcome, &text));
    cr_expect(eq(int, outcome, ERRAND_FAILED));
    cr_expect(text_is("No space left on device"));
    errand_slot_ask(slot, 2, ERRAND_ACL_LOAD, bytes_make(NULL, 0));
    cr_expect(not(errand_slot_answered(slot, 2, &outcome, &text)));
    cr_assert(eq(u64, errand_slot_take(slot, false, &kind, &text), 2));
    cr_expect(zero(sz, text.size));
}

Test(errand_slot, gives_a_request_out_once)
{
    errand_slot_ask(slot, 7, ERRAND_ACL_LOAD, bytes_make(NULL, 0));
    cr_expect(eq(u64, errand_slot_take(slot, false, &kind, &text), 7));
    cr_expect(zero(u64, errand_slot_take(slot, false, &kind, &text)));
    // A control that took it and died: its successor does it again.
    cr_expect(eq(u64, errand_slot_take(slot, true, &kind, &text), 7));
}

Test(errand_slot, takes_a_request_back)
{
    errand_slot_ask(slot, 1, ERRAND_ACL_LOAD, bytes_make(NULL, 0));
    cr_expect(errand_slot_withdraw(slot, 1));
    cr_expect(zero(u64, errand_slot_take(slot, true, &kind, &text)));
    // Taken already: what control then answers is not an answer to the next.
    errand_slot_ask(slot, 2, ERRAND_ACL_LOAD, bytes_make(NULL, 0));
    cr_expect(eq(u64, errand_slot_take(slot, false, &kind, &text), 2));
    cr_expect(errand_slot_withdraw(slot, 2));
    errand_slot_ask(slot, 3, ERRAND_CONFIG_REWRITE, bytes_text("x"));
    errand_slot_finish(slot, 2, ERRAND_DONE, bytes_text("late"));
    cr_expect(not(errand_slot_answered(slot, 2, &outcome, &text)));
    cr_expect(not(errand_slot_answered(slot, 3, &outcome, &text)));
    cr_expect(eq(u64, errand_slot_take(slot, false, &kind, &text), 3));
    errand_slot_finish(slot, 3, ERRAND_DONE, bytes_text("in time"));
    cr_expect(errand_slot_answered(slot, 3, &outcome, &text));
    cr_expect(text_is("in time"));
    cr_expect(not(errand_slot_withdraw(slot, 3)), "it is there after all");
}

Test(errand_slot, does_not_trust_what_it_reads)
{
    errand_slot_ask(slot, 1, ERRAND_ACL_SAVE, bytes_text("abc"));
    slot->request.size = ERRAND_TEXT_BYTES + 1;
    slot->kind = 4711;
    cr_expect(eq(u64, errand_slot_take(slot, false, &kind, &text), 1));
    cr_expect(eq(int, kind, ERRAND_NONE));
    cr_expect(zero(sz, text.size));
    errand_slot_finish(slot, 1, ERRAND_DONE, bytes_text("abc"));
    slot->answer.size = UINT32_MAX;
    slot->outcome = 99;
    cr_expect(errand_slot_answered(slot, 1, &outcome, &text));
    cr_expect(eq(int, outcome, ERRAND_FAILED));
    cr_expect(zero(sz, text.size));
}

Test(errand_slot, says_that_an_answer_is_too_large)
{
    char *large = calloc(1, ERRAND_TEXT_BYTES + 1);
    for (int extra = 0; extra < 2; extra++) {
        uint64_t number = (uint64_t)extra + 1;
        errand_slot_ask(slot, number, ERRAND_ACL_LOAD, bytes_make(large, ERRAND_TEXT_BYTES));
        cr_expect(eq(u64, errand_slot_take(slot, false, &kind, &text), number));
        cr_expect(eq(sz, text.size, (size_t)ERRAND_TEXT_BYTES));
        errand_slot_finish(slot, number, ERRAND_DONE,
                           bytes_make(large, ERRAND_TEXT_BYTES + (size_t)extra));
        cr_expect(errand_slot_answered(slot, number, &outcome, &text));
        cr_expect(eq(int, outcome, extra ? ERRAND_FAILED : ERRAND_DONE));
    }
    free(large);
}

Test(errand_slot, refuses_a_request_that_has_no_room, .signal = SIGABRT)
{
    errand_slot_ask(slot, 1, ERRAND_ACL_SAVE, bytes_make("", ERRAND_TEXT_BYTES + 1));
}
