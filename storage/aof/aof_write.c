#include "storage/aof/aof_write.h"

#include "dataplane/base/check.h"
#include "dataplane/base/num.h"

static uint32_t end_line(char *out, uint32_t size)
{
    memcpy(out + size, "\r\n", 2);
    return size + 2;
}

uint32_t aof_put_timestamp(char *out, int64_t unix_s)
{
    memcpy(out, "#TS:", 4);
    return end_line(out, 4 + num_format_int(out + 4, unix_s));
}

uint32_t aof_put_transaction(char *out, uint64_t number, uint32_t shard_count)
{
    CHECK(shard_count >= 1);
    memcpy(out, "#TX:", 4);
    uint32_t size = 4 + num_format_uint(out + 4, number);
    out[size++] = ' ';
    size += num_format_uint(out + size, shard_count);
    return end_line(out, size);
}
