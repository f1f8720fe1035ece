#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "control/shard_count.h"

static struct settings s;
static cpu_set_t cores;
static void open_settings(void) { settings_init(&s); }
static void close_settings(void) { settings_close(&s); }
TestSuite(shard_count, .init = open_settings, .fini = close_settings);

static uint32_t count_of(size_t first, size_t last)
{
    CPU_ZERO(&cores);
    for (size_t core = first; core <= last; core++) CPU_SET(core, &cores);
    return shard_count_auto(&cores, &s);
}

static void set(const char *name, const char *value)
{
    char error[SETTING_ERROR_MAX];
    cr_assert(eq(int,
                 setting_assign_text(&s, setting_find(bytes_text(name)), bytes_text(value), error),
                 OK));
}

Test(shard_count, is_one_on_two_cores_or_fewer)
{
    cr_expect(eq(u32, count_of(0, 0), 1));
    cr_expect(eq(u32, count_of(0, 1), 1));
    cr_expect(eq(u32, count_of(6, 7), 1));
    CPU_ZERO(&cores);
    cr_expect(eq(u32, shard_count_auto(&cores, &s), 1));
}

Test(shard_count, is_one_for_each_core_given)
{
    cr_expect(eq(u32, count_of(0, 2), 3));
    cr_expect(eq(u32, count_of(8, 23), 16));
    cr_expect(eq(u32, count_of(0, 63), 64));
    cr_expect(eq(u32, count_of(0, 1023), 64), "as many as there can be");
}

Test(shard_count, leaves_the_housekeeping_core_out)
{
    set("housekeeping-core", "3");
    cr_expect(eq(u32, count_of(0, 3), 3));
    cr_expect(eq(u32, count_of(0, 2), 3), "it is not among those given");
}

Test(shard_count, goes_on_from_the_first_shards_core)
{
    set("core", "2");
    cr_expect(eq(u32, count_of(0, 7), 6));
    cr_expect(eq(u32, count_of(0, 2), 1));
    cr_expect(eq(u32, count_of(4, 7), 1), "one that is not given; pinning will say so");
    set("housekeeping-core", "5");
    cr_expect(eq(u32, count_of(0, 7), 3));
    set("core", "1023");
    cr_expect(eq(u32, count_of(0, 1023), 1));
}

Test(shard_count, is_that_of_the_ports_on_the_nic_transport)
{
    char error[SETTING_ERROR_MAX];
    const struct setting_row *devargs = setting_find(BYTES_LITERAL("nic-devargs"));
    const struct bytes second = bytes_text("net_null1");
    set("transport", "nic");
    set("nic-devargs", "net_null0");
    cr_expect(eq(u32, count_of(0, 7), 1));
    cr_assert(eq(int, setting_assign(&s, devargs, &second, 1, true, error), OK));
    cr_expect(eq(u32, count_of(0, 7), 2));
}

Test(shard_count, sees_the_cores_of_this_process)
{
    shard_count_cores(&cores);
    cr_expect(gt(int, CPU_COUNT(&cores), 0));
}
