// The module "struct": numbers and strings to bytes and back, after a format string.
//
//   > < big, little endian   ! align to at most n (8)   blank nothing      x a zero byte
//   b B h H l L T            1, 2, 8, 8 bytes; small letters are signed    i I  n bytes (4), to 32
//   f d float, double        s  a string and its zero   c  n bytes (1), c0: all of the string, or
//                                                          as many as the number before it says
#include <limits.h>
#include "dataplane/script/script_priv.h"

enum { INT_BYTES_MAX = 32, ALIGN_MAX = 8, FORMAT_INT_BYTES = 4 };

struct format {
    lua_State *L;
    const char *at;
    bool is_big;
    uint32_t align;
};

static struct format format_open(lua_State *L)
{
    return (struct format){ .L = L, .at = luaL_checkstring(L, 1), .align = 1 };
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static uint32_t take_number(struct format *f, uint32_t without)
{
    uint32_t value = 0;
    if (!is_digit(*f->at)) return without;
    while (is_digit(*f->at)) {
        uint32_t digit = (uint32_t)(*f->at++ - '0');
        if (value > (INT_MAX - digit) / 10) luaL_error(f->L, "integral size overflow");
        value = value * 10 + digit;
    }
    return value;
}

static size_t option_bytes(struct format *f, char option)
{
    uint32_t size;
    switch (option) {
    case 'b':
    case 'B':
    case 'x':
        return 1;
    case 'h':
    case 'H':
        return 2;
    case 'l':
    case 'L':
    case 'T':
    case 'd':
        return 8;
    case 'f':
        return 4;
    case 'c':
        return take_number(f, 1);
    case 'i':
    case 'I':
        size = take_number(f, FORMAT_INT_BYTES);
        if (size > INT_BYTES_MAX)
            luaL_error(f->L, "integral size %d is larger than limit of %d", (int)size,
                       INT_BYTES_MAX);
        return size;
    default:
        return 0;
    }
}

// Sizes that are no power of two are rounded as the original does: by the bits below.
static size_t padding(const struct format *f, char option, size_t size, uint64_t at)
{
    if (size == 0 || option == 'c') return 0;
    if (size > f->align) size = f->align;
    return (size - (size_t)(at & (size - 1))) & (size - 1);
}

static void set_option(struct format *f, char option)
{
    uint32_t align;
    switch (option) {
    case ' ':
        return;
    case '>':
        f->is_big = true;
        return;
    case '<':
        f->is_big = false;
        return;
    case '!':
        align = take_number(f, ALIGN_MAX);
        if (align == 0 || (align & (align - 1)) != 0)
            luaL_error(f->L, "alignment %d is not a power of 2", (int)align);
        f->align = align;
        return;
    default:
        luaL_argerror(f->L, 1, lua_pushfstring(f->L, "invalid format option '%c'", option));
    }
}

// What a cast makes of numbers that do not fit, where C says nothing: the processor's answer.
static uint64_t integer_of(lua_Number n)
{
    if (n < 0) return n >= -9223372036854775808.0 ? (uint64_t)(int64_t)n : 1ULL << 63;
    if (n != n) return 1ULL << 63;
    return n < 18446744073709551616.0 ? (uint64_t)n : 0;
}

static void put_ordered(const struct format *f, uint8_t *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[f->is_big ? size - 1 - i : i] = i < 8 ? (uint8_t)(value >> (8 * i)) : 0;
    }
}

static uint64_t get_ordered(const struct format *f, const uint8_t *in, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size && i < 8; i++)
        value |= (uint64_t)in[f->is_big ? size - 1 - i : i] << (8 * i);
    return value;
}

static uint8_t *room(struct script_host *h, lua_State *L, size_t size)
{
    if (h->scratch.size + size > SCRIPT_BLOCK_BYTES_MAX) luaL_error(L, "result is too large");
    uint8_t *out = script_buffer_room(h->heap, &h->scratch, size + 1);
    h->scratch.size += size;
    return out;
}

static void pack_text(struct script_host *h, struct format *f, char option, size_t size, int arg)
{
    size_t have;
    const char *text = luaL_checklstring(f->L, arg, &have);
    if (size == 0) size = have;
    luaL_argcheck(f->L, have >= size, arg + 1, "string too short");
    uint8_t *out = room(h, f->L, size + (option == 's'));
    memcpy(out, text, size);
    if (option == 's') out[size] = 0;
}

static void pack_float(struct script_host *h, struct format *f, size_t size, lua_Number n)
{
    uint64_t bits = 0;
    float narrow = (float)n;
    if (size == sizeof narrow)
        memcpy(&bits, &narrow, sizeof narrow);
    else
        memcpy(&bits, &n, sizeof n);
    put_ordered(f, room(h, f->L, size), bits, size);
}

// Returns how many arguments it took.
static int pack_one(struct script_host *h, struct format *f, char option, size_t size, int arg)
{
    switch (option) {
    case 'b':
    case 'B':
    case 'h':
    case 'H':
    case 'l':
    case 'L':
    case 'T':
    case 'i':
    case 'I': {
        uint64_t value = integer_of(luaL_checknumber(f->L, arg));
        put_ordered(f, room(h, f->L, size), value, size);
        return 1;
    }
    case 'x':
        *room(h, f->L, 1) = 0;
        return 0;
    case 'f':
    case 'd':
        pack_float(h, f, size, luaL_checknumber(f->L, arg));
        return 1;
    case 'c':
    case 's':
        pack_text(h, f, option, size, arg);
        return 1;
    default:
        set_option(f, option);
        return 0;
    }
}

static int struct_pack(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    struct format f = format_open(L);
    int arg = 2;
    lua_pushnil(L); // what is taken where arguments end, and the texts' words for it
    h->scratch.size = 0;
    while (*f.at) {
        char option = *f.at++;
        size_t size = option_bytes(&f, option);
        size_t zeros = padding(&f, option, size, h->scratch.size);
        memset(room(h, L, zeros), 0, zeros);
        arg += pack_one(h, &f, option, size, arg);
    }
    lua_pushlstring(L, (const char *)h->scratch.data, h->scratch.size);
    script_buffer_trim(h->heap, &h->scratch);
    return 1;
}

static void push_integer(struct format *f, char option, const uint8_t *in, size_t size)
{
    uint64_t value = get_ordered(f, in, size);
    bool is_signed = option >= 'a';
    if (!is_signed) {
        lua_pushnumber(f->L, (lua_Number)value);
        return;
    }
    // Wider ones have their sign in the lower eight bytes.
    uint32_t unused = size < 8 && size > 0 ? 64 - 8 * (uint32_t)size : 0;
    lua_pushnumber(f->L, (lua_Number)((int64_t)(value << unused) >> unused));
}

static void push_float(struct format *f, const uint8_t *in, size_t size)
{
    uint64_t bits = get_ordered(f, in, size);
    float narrow;
    double wide;
    memcpy(&narrow, &bits, sizeof narrow);
    memcpy(&wide, &bits, sizeof wide);
    lua_pushnumber(f->L, size == sizeof narrow ? (lua_Number)narrow : wide);
}

struct unpacking {
    struct bytes data;
    size_t at;
    int count; // of results
};

static void check_data(struct format *f, const struct unpacking *u, size_t size)
{
    luaL_argcheck(f->L, size <= u->data.size && u->at <= u->data.size - size, 2,
                  "data string too short");
}

static size_t unpack_counted(struct format *f, struct unpacking *u, size_t size)
{
    if (size == 0) {
        if (u->count == 0 || !lua_isnumber(f->L, -1))
            luaL_error(f->L, "format 'c0' needs a previous size");
        size = (size_t)integer_of(lua_tonumber(f->L, -1));
        lua_pop(f->L, 1);
        u->count--;
        check_data(f, u, size);
    }
    lua_pushlstring(f->L, (const char *)u->data.data + u->at, size);
    return size;
}

static size_t unpack_ended(struct format *f, struct unpacking *u)
{
    const uint8_t *start = u->data.data + u->at;
    const uint8_t *end = u->at < u->data.size ? memchr(start, 0, u->data.size - u->at) : NULL;
    if (!end) luaL_error(f->L, "unfinished string in data");
    lua_pushlstring(f->L, (const char *)start, (size_t)(end - start));
    return (size_t)(end - start) + 1;
}

// Returns the bytes it took.
static size_t unpack_one(struct format *f, struct unpacking *u, char option, size_t size)
{
    const uint8_t *in = u->data.data + u->at;
    switch (option) {
    case 'b':
    case 'B':
    case 'h':
    case 'H':
    case 'l':
    case 'L':
    case 'T':
    case 'i':
    case 'I':
        push_integer(f, option, in, size);
        break;
    case 'f':
    case 'd':
        push_float(f, in, size);
        break;
    case 'c':
        size = unpack_counted(f, u, size);
        break;
    case 's':
        size = unpack_ended(f, u);
        break;
    case 'x':
        return size;
    default:
        set_option(f, option);
        return size;
    }
    u->count++;
    return size;
}

static int struct_unpack(lua_State *L)
{
    struct format f = format_open(L);
    struct unpacking u = { 0 };
    u.data.data = (const uint8_t *)luaL_checklstring(L, 2, &u.data.size);
    lua_Integer offset = luaL_optinteger(L, 3, 1);
    luaL_argcheck(L, offset != 0, 3, "offset must be 1 or greater");
    u.at = (size_t)offset - 1;
    while (*f.at) {
        char option = *f.at++;
        size_t size = option_bytes(&f, option);
        u.at += padding(&f, option, size, u.at);
        // Letters that stand for nothing of themselves need no data: an empty tail is enough.
        if (size > 0 || is_letter(option))
            check_data(&f, &u, size);
        else
            luaL_argcheck(L, u.at <= u.data.size, 2, "data string too short");
        luaL_checkstack(L, 2, "too many results");
        u.at += unpack_one(&f, &u, option, size);
    }
    lua_pushinteger(L, (lua_Integer)u.at + 1);
    return u.count + 1;
}

static int struct_size(lua_State *L)
{
    struct format f = format_open(L);
    uint64_t at = 0;
    while (*f.at) {
        char option = *f.at++;
        size_t size = option_bytes(&f, option);
        at += padding(&f, option, size, at);
        if (option == 's') luaL_argerror(L, 1, "option 's' has no fixed size");
        if (option == 'c' && size == 0) luaL_argerror(L, 1, "option 'c0' has no fixed size");
        if (!is_letter(option) && !is_digit(option)) set_option(&f, option);
        at += size;
    }
    lua_pushnumber(L, (lua_Number)at);
    return 1;
}

void script_open_struct(struct script_host *h)
{
    static const struct script_function_row rows[] = {
        { "pack", struct_pack },
        { "unpack", struct_unpack },
        { "size", struct_size },
    };
    lua_newtable(h->lua);
    SCRIPT_SET_FUNCTIONS(h->lua, rows);
    lua_setfield(h->lua, -2, "struct");
}
