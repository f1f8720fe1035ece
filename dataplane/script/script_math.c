// Numbers that only look random, in the same order from every start on. And bit.tohex, whose
// counterpart in Debian's library fails on a length of -2147483648 (CVE-2024-31449).
#include <math.h>
#include "dataplane/script/script_priv.h"

enum { RANDOM_RANGE = INT32_MAX };

// POSIX's 48-bit generator (srand48, lrand48).
static void random_seed(struct script_host *h, int32_t seed)
{
    h->random = (uint64_t)(uint32_t)seed << 16 | 0x330e;
}

static int32_t random_next(struct script_host *h)
{
    h->random = (h->random * 0x5deece66dULL + 0xb) & 0xffffffffffffULL;
    return (int32_t)(h->random >> 17);
}

static int math_random(lua_State *L)
{
    lua_Number unit = (lua_Number)(random_next(script_host_of(L)) % RANDOM_RANGE) / RANDOM_RANGE;
    int low = 1, high = 0;
    switch (lua_gettop(L)) {
    case 0:
        lua_pushnumber(L, unit);
        return 1;
    case 1:
        high = luaL_checkint(L, 1);
        luaL_argcheck(L, high >= 1, 1, "interval is empty");
        break;
    case 2:
        low = luaL_checkint(L, 1);
        high = luaL_checkint(L, 2);
        luaL_argcheck(L, low <= high, 2, "interval is empty");
        break;
    default:
        return luaL_error(L, "wrong number of arguments");
    }
    // An interval of all numbers wraps to an empty one, as it does in Lua.
    int32_t width = (int32_t)((uint32_t)high - (uint32_t)low + 1);
    lua_pushnumber(L, floor(unit * width) + low);
    return 1;
}

static int math_randomseed(lua_State *L)
{
    random_seed(script_host_of(L), luaL_checkint(L, 1));
    return 0;
}

// A number's low 32 bits, as the library's other functions see them.
static uint32_t bits_of(lua_State *L, int index)
{
    lua_Number n = luaL_checknumber(L, index) + 6755399441055744.0; // 2^52 + 2^51
    uint64_t bits;
    memcpy(&bits, &n, sizeof bits);
    return (uint32_t)bits;
}

static int bit_tohex(lua_State *L)
{
    uint32_t value = bits_of(L, 1);
    int64_t count = lua_isnone(L, 2) ? 8 : (int32_t)bits_of(L, 2);
    const char *digits = count < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[8];
    if (count < 0) count = -count;
    if (count > 8) count = 8;
    for (int64_t i = count - 1; i >= 0; i--) {
        text[i] = digits[value & 15];
        value >>= 4;
    }
    lua_pushlstring(L, text, (size_t)count);
    return 1;
}

void script_open_math(struct script_host *h)
{
    static const struct script_function_row math[] = {
        { "random", math_random },
        { "randomseed", math_randomseed },
    };
    lua_State *L = h->lua;
    h->random = 0x1234abcd330eULL; // lrand48's before any seed
    lua_getfield(L, -1, "math");
    SCRIPT_SET_FUNCTIONS(L, math);
    lua_pop(L, 1);
    lua_getfield(L, -1, "bit");
    lua_pushcfunction(L, bit_tohex);
    lua_setfield(L, -2, "tohex");
    lua_pop(L, 1);
}
