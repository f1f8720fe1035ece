#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include "storage/aof/aof_write.h"

static const char *put(uint32_t size, char *out, uint32_t bound)
{
    cr_expect_leq(size, bound);
    out[size] = '\0';
    return out;
}

Test(aof_write, makes_lines_that_are_read)
{
    char out[64];
    const uint32_t stamp = AOF_TIMESTAMP_BYTES_MAX, mark = AOF_TRANSACTION_BYTES_MAX;
    cr_expect_str_eq(put(aof_put_timestamp(out, 1795353190), out, stamp), "#TS:1795353190\r\n");
    cr_expect_str_eq(put(aof_put_timestamp(out, INT64_MIN), out, stamp),
                     "#TS:-9223372036854775808\r\n");
    cr_expect_str_eq(put(aof_put_transaction(out, 17, 3), out, mark), "#TX:17 3\r\n");
    cr_expect_str_eq(put(aof_put_transaction(out, UINT64_MAX, UINT32_MAX), out, mark),
                     "#TX:18446744073709551615 4294967295\r\n");
}
