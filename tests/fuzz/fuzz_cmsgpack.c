// MessagePack as scripts read it: whole, value by value, and packed again, which must be readable
// and pack to the same bytes.
#include "fuzz_script.h"

static struct fuzz_script fuzz;

static const char
    script[] =
        "local m = cmsgpack local one = {pcall(m.unpack, ARGV[1])} "
        "local at = 0 for i = 1, 20 do local ok, next = pcall(m.unpack_one, ARGV[1], at) "
        "if not ok or next == -1 then break end at = next end "
        "pcall(m.unpack_limit, ARGV[1], #ARGV[1] % 7, #ARGV[1] % 5) "
        "if not one[1] then return one[2] end "
        "local ok, packed = pcall(m.pack, unpack(one, 2, #one)) if not ok then return packed end "
        "local again = {pcall(m.unpack, packed)} if not again[1] and not again[2]:find('index is "
        "nil') " // a key too deep
        "then redis.call('wrong') end "
        "return {packed, unpack(again)}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size);
    fuzz_run(&fuzz, script, &in, 1);
    return 0;
}
