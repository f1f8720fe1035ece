// The module "cmsgpack": MessagePack as Redis's scripts know it: integers where a number is whole,
// a float where it loses nothing, arrays where a table's keys are 1 to n, nil for what has no form
// and for what lies deeper than 16 tables.
#include "dataplane/script/script_priv.h"

enum { NESTING_MAX = 16 };
enum {
    TYPE_NIL = 0xc0,
    TYPE_FALSE = 0xc2,
    TYPE_TRUE = 0xc3,
    TYPE_FLOAT = 0xca,
    TYPE_DOUBLE = 0xcb,
    TYPE_UINT8 = 0xcc, // 16, 32, 64 follow
    TYPE_INT8 = 0xd0,  // likewise
    TYPE_TEXT8 = 0xd9,
    TYPE_TEXT16 = 0xda,
    TYPE_TEXT32 = 0xdb,
    TYPE_ARRAY16 = 0xdc,
    TYPE_ARRAY32 = 0xdd,
    TYPE_MAP16 = 0xde,
    TYPE_MAP32 = 0xdf,
    FIX_MAP = 0x80,
    FIX_ARRAY = 0x90,
    FIX_TEXT = 0xa0,
};

// ---- packing

struct packer {
    lua_State *L;
    struct script_host *h;
};

static uint8_t *pack_room(struct packer *p, size_t size)
{
    struct script_buffer *b = &p->h->scratch;
    if (b->size + size > SCRIPT_BLOCK_BYTES_MAX) luaL_error(p->L, "result is too large");
    uint8_t *out = script_buffer_room(p->h->heap, b, size);
    b->size += size;
    return out;
}

// A type and a number of 2^width bytes behind it.
static void pack_number(struct packer *p, uint32_t type, uint64_t value, uint32_t width)
{
    uint32_t bytes = 1U << width;
    uint8_t *out = pack_room(p, 1 + bytes);
    out[0] = (uint8_t)type;
    for (uint32_t i = 0; i < bytes; i++) out[bytes - i] = (uint8_t)(value >> (8 * i));
}

static void pack_byte(struct packer *p, uint32_t byte) { *pack_room(p, 1) = (uint8_t)byte; }

static void pack_int(struct packer *p, int64_t n)
{
    if (n >= -32 && n <= 127)
        pack_byte(p, (uint8_t)n);
    else if (n >= 0) {
        uint32_t width = n <= UINT8_MAX ? 0 : n <= UINT16_MAX ? 1 : n <= UINT32_MAX ? 2 : 3;
        pack_number(p, TYPE_UINT8 + width, (uint64_t)n, width);
    } else {
        uint32_t width = n >= INT8_MIN ? 0 : n >= INT16_MIN ? 1 : n >= INT32_MIN ? 2 : 3;
        pack_number(p, TYPE_INT8 + width, (uint64_t)n, width);
    }
}

static void pack_double(struct packer *p, double n)
{
    float narrow = (float)n;
    uint32_t bits32;
    uint64_t bits64;
    if ((double)narrow == n) {
        memcpy(&bits32, &narrow, sizeof bits32);
        pack_number(p, TYPE_FLOAT, bits32, 2);
    } else {
        memcpy(&bits64, &n, sizeof bits64);
        pack_number(p, TYPE_DOUBLE, bits64, 3);
    }
}

static bool is_whole(lua_Number n)
{
    return n >= -9223372036854775808.0 && n < 9223372036854775808.0 && (lua_Number)(int64_t)n == n;
}

static void pack_text(struct packer *p)
{
    size_t size;
    const char *text = lua_tolstring(p->L, -1, &size);
    if (size < 32)
        pack_byte(p, FIX_TEXT | (uint32_t)size);
    else if (size <= UINT8_MAX)
        pack_number(p, TYPE_TEXT8, size, 0);
    else if (size <= UINT16_MAX)
        pack_number(p, TYPE_TEXT16, size, 1);
    else
        pack_number(p, TYPE_TEXT32, size, 2);
    memcpy(pack_room(p, size), text, size);
}

static void pack_count(struct packer *p, uint64_t count, uint32_t fix, uint32_t type16)
{
    if (count <= 15)
        pack_byte(p, fix | (uint32_t)count);
    else if (count <= UINT16_MAX)
        pack_number(p, type16, count, 1);
    else
        pack_number(p, type16 + 1, count, 2);
}

// Whether the table's keys are the numbers from 1 to *count; *count is right in any case.
static bool count_keys(lua_State *L, uint64_t *count)
{
    lua_Number largest = 0;
    bool is_array = true;
    *count = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        ++*count;
        lua_Number key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
        if (key <= 0 || !is_whole(key)) is_array = false;
        if (key > largest) largest = key;
    }
    return is_array && largest == (lua_Number)*count;
}

static void pack_value(struct packer *p, uint32_t depth);

static void pack_table(struct packer *p, uint32_t depth)
{
    lua_State *L = p->L;
    uint64_t count;
    luaL_checkstack(L, 6, "in function mp_encode_lua_table");
    bool is_sealed = script_table_unseal(L, -1);
    if (count_keys(L, &count)) {
        pack_count(p, count, FIX_ARRAY, TYPE_ARRAY16);
        for (uint64_t i = 1; i <= count; i++) {
            script_tick(L, i);
            lua_rawgeti(L, -1, (int)i);
            pack_value(p, depth + 1);
        }
    } else {
        pack_count(p, count, FIX_MAP, TYPE_MAP16);
        for (lua_pushnil(L); lua_next(L, -2);) {
            lua_pushvalue(L, -2);
            pack_value(p, depth + 1);
            pack_value(p, depth + 1);
        }
    }
    if (is_sealed) lua_pop(L, 1);
}

// Takes the value off the top.
static void pack_value(struct packer *p, uint32_t depth)
{
    lua_State *L = p->L;
    lua_Number n;
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        pack_text(p);
        break;
    case LUA_TBOOLEAN:
        pack_byte(p, lua_toboolean(L, -1) ? TYPE_TRUE : TYPE_FALSE);
        break;
    case LUA_TNUMBER:
        n = lua_tonumber(L, -1);
        if (is_whole(n))
            pack_int(p, (int64_t)n);
        else
            pack_double(p, n);
        break;
    case LUA_TTABLE:
        if (depth == NESTING_MAX)
            pack_byte(p, TYPE_NIL);
        else
            pack_table(p, depth);
        break;
    default:
        pack_byte(p, TYPE_NIL);
    }
    lua_pop(L, 1);
}

static int msgpack_pack(lua_State *L)
{
    struct packer p = { L, script_host_of(L) };
    int count = lua_gettop(L);
    if (count == 0) return luaL_argerror(L, 0, "MessagePack pack needs input.");
    luaL_checkstack(L, 8, "Too many arguments for MessagePack pack.");
    p.h->scratch.size = 0;
    for (int i = 1; i <= count; i++) {
        lua_pushvalue(L, i);
        pack_value(&p, 0);
    }
    lua_pushlstring(L, (const char *)p.h->scratch.data, p.h->scratch.size);
    script_buffer_trim(p.h->heap, &p.h->scratch);
    return 1;
}

// ---- unpacking

struct unpacker {
    lua_State *L;
    struct bytes left;
};

static void need(struct unpacker *u, size_t size)
{
    if (u->left.size < size) luaL_error(u->L, "Missing bytes in input.");
}

static uint64_t take_uint(struct unpacker *u, uint32_t width)
{
    uint64_t value = 0;
    uint32_t bytes = 1U << width;
    need(u, bytes);
    for (uint32_t i = 0; i < bytes; i++) value = value << 8 | u->left.data[i];
    bytes_skip(&u->left, bytes);
    return value;
}

static void take_text(struct unpacker *u, uint64_t size)
{
    need(u, size);
    lua_pushlstring(u->L, (const char *)u->left.data, size);
    bytes_skip(&u->left, size);
}

static void take_value(struct unpacker *u);

static void take_array(struct unpacker *u, uint64_t count)
{
    luaL_checkstack(u->L, 2, "in function mp_decode_to_lua_array");
    lua_newtable(u->L);
    for (uint64_t i = 1; i <= count; i++) {
        script_tick(u->L, i);
        take_value(u);
        lua_rawseti(u->L, -2, (int)i);
    }
}

static void take_map(struct unpacker *u, uint64_t count)
{
    luaL_checkstack(u->L, 1, "in function mp_decode_to_lua_hash");
    lua_newtable(u->L);
    for (uint64_t i = 0; i < count; i++) {
        take_value(u);
        take_value(u);
        lua_rawset(u->L, -3);
    }
}

static void take_float(struct unpacker *u, uint8_t type)
{
    uint64_t bits = take_uint(u, type == TYPE_FLOAT ? 2 : 3);
    uint32_t bits32 = (uint32_t)bits;
    float narrow;
    double wide;
    memcpy(&narrow, &bits32, sizeof narrow);
    memcpy(&wide, &bits, sizeof wide);
    lua_pushnumber(u->L, type == TYPE_FLOAT ? (lua_Number)narrow : wide);
}

// Of 2^width bytes.
static void take_int(struct unpacker *u, uint32_t width)
{
    uint32_t unused = 64 - (8U << width);
    lua_pushnumber(u->L, (lua_Number)((int64_t)(take_uint(u, width) << unused) >> unused));
}

static void take_fixed(struct unpacker *u, uint8_t type)
{
    if (type < FIX_MAP)
        lua_pushnumber(u->L, type);
    else if (type < FIX_ARRAY)
        take_map(u, type & 15);
    else if (type < FIX_TEXT)
        take_array(u, type & 15);
    else if (type < TYPE_NIL)
        take_text(u, type & 31);
    else if (type >= 0xe0)
        lua_pushnumber(u->L, (int8_t)type);
    else
        luaL_error(u->L, "Bad data format in input.");
}

static void take_typed(struct unpacker *u, uint8_t type)
{
    switch (type) {
    case TYPE_NIL:
        lua_pushnil(u->L);
        return;
    case TYPE_FALSE:
    case TYPE_TRUE:
        lua_pushboolean(u->L, type == TYPE_TRUE);
        return;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        take_float(u, type);
        return;
    case TYPE_UINT8:
    case TYPE_UINT8 + 1:
    case TYPE_UINT8 + 2:
        lua_pushnumber(u->L, (lua_Number)take_uint(u, (uint32_t)type - TYPE_UINT8));
        return;
    case TYPE_UINT8 + 3: // Redis's scripts see it signed
    case TYPE_INT8 + 3:
        lua_pushnumber(u->L, (lua_Number)(int64_t)take_uint(u, 3));
        return;
    case TYPE_INT8:
    case TYPE_INT8 + 1:
    case TYPE_INT8 + 2:
        take_int(u, (uint32_t)type - TYPE_INT8);
        return;
    case TYPE_TEXT8:
    case TYPE_TEXT16:
    case TYPE_TEXT32:
        take_text(u, take_uint(u, (uint32_t)type - TYPE_TEXT8));
        return;
    case TYPE_ARRAY16:
    case TYPE_ARRAY32:
        take_array(u, take_uint(u, (uint32_t)type - TYPE_ARRAY16 + 1));
        return;
    case TYPE_MAP16:
    case TYPE_MAP32:
        take_map(u, take_uint(u, (uint32_t)type - TYPE_MAP16 + 1));
        return;
    default:
        take_fixed(u, type);
    }
}

static void take_value(struct unpacker *u)
{
    uint8_t type = TYPE_NIL;
    need(u, 1);
    luaL_checkstack(u->L, 1,
                    "too many return values at once; use unpack_one or unpack_limit instead.");
    bytes_u8(&u->left, &type);
    take_typed(u, type);
}

// limit and offset 0: all, and nothing but they. Otherwise the offset behind the last one comes
// first, -1 at the end.
static int unpack_values(lua_State *L, lua_Number limit, lua_Number offset)
{
    struct unpacker u = { .L = L };
    size_t size;
    u.left.data = (const uint8_t *)luaL_checklstring(L, 1, &size);
    u.left.size = size;
    if (offset < 0 || limit < 0)
        return luaL_error(L, "Invalid request to unpack with offset of %d and limit of %d.",
                          (int)offset, (int)size);
    if (offset > (lua_Number)size)
        return luaL_error(L, "Start offset %d greater than input length %d.", (int)offset,
                          (int)size);
    bool is_all = limit == 0 && offset == 0;
    if (is_all) limit = INT32_MAX;
    bytes_skip(&u.left, (size_t)offset);
    lua_settop(L, 1);
    int count = 0;
    for (; u.left.size > 0 && count < limit; count++) take_value(&u);
    if (is_all) return count;
    luaL_checkstack(L, 1,
                    "too many return values at once; use unpack_one or unpack_limit instead.");
    lua_pushnumber(L, u.left.size ? (lua_Number)(size - u.left.size) : -1);
    lua_insert(L, 2);
    return count + 1;
}

static int msgpack_unpack(lua_State *L) { return unpack_values(L, 0, 0); }

static int msgpack_unpack_one(lua_State *L)
{
    return unpack_values(L, 1, (lua_Number)luaL_optinteger(L, 2, 0));
}

static int msgpack_unpack_limit(lua_State *L)
{
    lua_Integer limit = luaL_checkinteger(L, 2);
    return unpack_values(L, (lua_Number)limit, (lua_Number)luaL_optinteger(L, 3, 0));
}

void script_open_msgpack(struct script_host *h)
{
    static const struct script_function_row rows[] = {
        { "pack", msgpack_pack },
        { "unpack", msgpack_unpack },
        { "unpack_one", msgpack_unpack_one },
        { "unpack_limit", msgpack_unpack_limit },
    };
    static const char *const texts[][2] = {
        { "_NAME", "cmsgpack" },
        { "_VERSION", "lua-cmsgpack 0.4.0" },
        { "_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo" },
        { "_DESCRIPTION", "MessagePack C implementation for Lua" },
    };
    lua_State *L = h->lua;
    lua_newtable(L);
    SCRIPT_SET_FUNCTIONS(L, rows);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lua_pushstring(L, texts[i][1]);
        lua_setfield(L, -2, texts[i][0]);
    }
    lua_setfield(L, -2, "cmsgpack");
}
