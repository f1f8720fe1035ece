// Formats of struct against data: what was unpacked is packed again with the same format, and is
// as long as struct.size says. The first byte is the format's length.
#include "fuzz_script.h"

static struct fuzz_script fuzz;

static const char script[] =
    "local s, f = struct, ARGV[1] local v = {pcall(s.unpack, f, ARGV[2])} "
    "pcall(s.unpack, f, ARGV[2], #f - 3) pcall(s.pack, f, 'a', -1, 2.5, 1e300) "
    "local fixed, size = pcall(s.size, f) if not v[1] then return v[2] end "
    "local ok, packed = pcall(s.pack, f, unpack(v, 2, #v - 1)) "
    "if ok and fixed and not f:find('[^bBhHlLTiIfdxc%d]') "
    "and #packed ~= size then redis.call('wrong') end return v";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    size_t format = data[0] % 32;
    if (format > size - 1) format = size - 1;
    struct bytes args[2] = { bytes_make(data + 1, format),
                             bytes_make(data + 1 + format, size - 1 - format) };
    fuzz_run(&fuzz, script, args, 2);
    return 0;
}
