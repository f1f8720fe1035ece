// Replies of commands become Lua values and these become replies again, in both versions of RESP.
#include "fuzz_script.h"

static struct fuzz_script fuzz;

static const char script[] =
    "redis.setresp(2 + #ARGV[1] % 2) local v = redis.pcall('raw', ARGV[1]) "
    "local ok, e = pcall(redis.call, 'raw', ARGV[1]) "
    "if type(v) == 'table' and not v.err then pcall(cjson.encode, v) pcall(cmsgpack.pack, v) end "
    "return v";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size);
    fuzz_run(&fuzz, script, &in, 1);
    return 0;
}
