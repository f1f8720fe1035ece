#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/lane/bell.h"

static char name[64];
static struct bell control, dataplane;

static void make_name(void) { snprintf(name, sizeof name, "penstock-test-%d", (int)getpid()); }
TestSuite(bell, .init = make_name);

static bool is_readable(const struct bell *b)
{
    struct pollfd fd = { .fd = b->fd, .events = POLLIN };
    return poll(&fd, 1, 0) == 1;
}

Test(bell, wakes_the_other_side_only)
{
    cr_assert(eq(int, bell_open(&control, name, REGION_CONTROL), OK));
    cr_assert(eq(int, bell_open(&dataplane, name, REGION_DATAPLANE), OK));
    cr_expect(not(bell_drain(&dataplane)));
    bell_ring(&control);
    cr_expect(is_readable(&dataplane));
    cr_expect(not(is_readable(&control)));
    cr_expect(bell_drain(&dataplane));
    cr_expect(not(bell_drain(&dataplane)));
    bell_ring(&dataplane);
    cr_expect(bell_drain(&control));
}

Test(bell, ringing_nobody_is_no_error_and_a_later_listener_hears_later_rings)
{
    cr_assert(eq(int, bell_open(&control, name, REGION_CONTROL), OK));
    bell_ring(&control);
    cr_assert(eq(int, bell_open(&dataplane, name, REGION_DATAPLANE), OK));
    cr_expect(not(bell_drain(&dataplane)));
    bell_ring(&control);
    cr_expect(bell_drain(&dataplane));
}

Test(bell, never_blocks_however_often_it_is_rung, .timeout = 20)
{
    cr_assert(eq(int, bell_open(&control, name, REGION_CONTROL), OK));
    cr_assert(eq(int, bell_open(&dataplane, name, REGION_DATAPLANE), OK));
    for (int i = 0; i < 5000; i++) bell_ring(&control);
    cr_expect(bell_drain(&dataplane));
    cr_expect(not(is_readable(&dataplane)));
}

Test(bell, a_side_can_be_taken_once_and_again_after_it_was_closed)
{
    struct bell second;
    cr_assert(eq(int, bell_open(&control, name, REGION_CONTROL), OK));
    cr_expect(eq(int, bell_open(&second, name, REGION_CONTROL), ERR_IO));
    bell_close(&control);
    cr_expect(eq(int, bell_open(&second, name, REGION_CONTROL), OK));
}

Test(bell, tells_whether_a_side_is_taken_without_taking_it)
{
    cr_expect(not(bell_is_taken(name, REGION_DATAPLANE)));
    cr_assert(eq(int, bell_open(&dataplane, name, REGION_DATAPLANE), OK));
    cr_expect(bell_is_taken(name, REGION_DATAPLANE));
    cr_expect(not(bell_is_taken(name, REGION_CONTROL)));
    bell_close(&dataplane);
    cr_expect(not(bell_is_taken(name, REGION_DATAPLANE)));
}

Test(bell, refuses_a_name_that_does_not_fit)
{
    char longest[200];
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    cr_expect(eq(int, bell_open(&control, longest, REGION_CONTROL), ERR_NO_SPACE));
    cr_expect(lt(int, control.fd, 0));
    bell_ring(&control);
}
