// JSON as scripts read it: what can be decoded can be encoded, and what comes out of that says the
// same when it is decoded again.
#include "fuzz_script.h"

static struct fuzz_script fuzz;

static const char script[] =
    "local ok, v = pcall(cjson.decode, ARGV[1]) if not ok then return v end "
    "local ok, text = pcall(cjson.encode, v) if not ok then return text end "
    "local again = cjson.encode(cjson.decode(text)) "
    "if #again ~= #text then redis.call('wrong') end return {v, text}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size);
    fuzz_run(&fuzz, script, &in, 1);
    return 0;
}
