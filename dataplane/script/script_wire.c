// Replies of commands become Lua values. The writer is our own code, yet nothing here trusts it.
#include <stdlib.h>
#include "dataplane/base/num.h"
#include "dataplane/script/script_priv.h"

enum { LINE_MAX_BYTES = 512 * 1024 * 1024 };

struct wire {
    lua_State *L;
    struct bytes left;
    uint32_t depth;
    bool is_broken, is_error;
};

static void push_value(struct wire *w);

static void break_off(struct wire *w)
{
    w->is_broken = true;
    lua_pushboolean(w->L, 0);
}

// Up to CR LF, which is taken too.
static bool take_line(struct wire *w, struct bytes *line)
{
    const uint8_t *end = w->left.size ? memchr(w->left.data, '\r', w->left.size) : NULL;
    if (!end || end + 1 >= w->left.data + w->left.size || end[1] != '\n') return false;
    *line = bytes_make(w->left.data, (size_t)(end - w->left.data));
    w->left.size -= line->size + 2;
    w->left.data = end + 2;
    return true;
}

// Lengths and small integers are digits and no more: this is all there is to them.
static bool take_int(struct wire *w, int64_t *out)
{
    const uint8_t *at = w->left.data, *end = at + w->left.size;
    bool is_negative = at < end && *at == '-';
    uint64_t value = 0;
    at += is_negative;
    const uint8_t *digits = at;
    while (at < end && *at >= '0' && *at <= '9' && at - digits < 19)
        value = value * 10 + (uint64_t)(*at++ - '0');
    if (at == digits || end - at < 2 || at[0] != '\r' || at[1] != '\n') return false;
    *out = is_negative ? (int64_t)(0 - value) : (int64_t)value;
    w->left.size -= (size_t)(at + 2 - w->left.data);
    w->left.data = at + 2;
    return true;
}

// The body of "$<size>" and "=<size>"; size < 0 is null.
static bool take_body(struct wire *w, int64_t size, struct bytes *body)
{
    if (size < 0 || w->left.size < 2 || (uint64_t)size > w->left.size - 2) return false;
    if (w->left.data[size] != '\r' || w->left.data[size + 1] != '\n') return false;
    *body = bytes_make(w->left.data, (size_t)size);
    w->left.data += size + 2;
    w->left.size -= (size_t)size + 2;
    return true;
}

static void push_bytes(lua_State *L, struct bytes b)
{
    lua_pushlstring(L, (const char *)b.data, b.size);
}

// {name = value at the top}
static void wrap(lua_State *L, const char *name)
{
    lua_createtable(L, 0, 1);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
}

static void push_int(struct wire *w)
{
    int64_t value;
    if (!take_int(w, &value))
        break_off(w);
    else
        lua_pushnumber(w->L, (lua_Number)value);
}

static void push_bulk(struct wire *w)
{
    int64_t size;
    struct bytes body;
    if (!take_int(w, &size))
        break_off(w);
    else if (size == -1)
        lua_pushboolean(w->L, 0);
    else if (!take_body(w, size, &body))
        break_off(w);
    else
        push_bytes(w->L, body);
}

static void push_status(struct wire *w)
{
    struct bytes line;
    if (!take_line(w, &line)) {
        break_off(w);
        return;
    }
    lua_createtable(w->L, 0, 1);
    lua_pushliteral(w->L, "ok");
    push_bytes(w->L, line);
    lua_rawset(w->L, -3);
}

static void push_error(struct wire *w)
{
    struct bytes line, text = { w->left.data - 1, 0 }; // with its dash
    if (!take_line(w, &line)) {
        break_off(w);
        return;
    }
    text.size = line.size + 1;
    w->is_error = w->depth == 1;
    script_push_error(w->L, text);
    lua_pushboolean(w->L, 1); // it was counted where the command ran
    lua_setfield(w->L, -2, "ignore_error_stats_update");
}

static void push_double(struct wire *w)
{
    struct bytes line;
    char text[64];
    if (!take_line(w, &line) || line.size >= sizeof text) {
        break_off(w);
        return;
    }
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    lua_pushnumber(w->L, strtod(text, NULL)); // "inf" and "nan" too
    wrap(w->L, "double");
}

static void push_big_number(struct wire *w)
{
    struct bytes line;
    if (!take_line(w, &line)) {
        break_off(w);
        return;
    }
    push_bytes(w->L, line);
    wrap(w->L, "big_number");
}

static void push_verbatim(struct wire *w)
{
    int64_t size;
    struct bytes body;
    if (!take_int(w, &size) || !take_body(w, size, &body) || body.size < 4) {
        break_off(w);
        return;
    }
    lua_createtable(w->L, 0, 2);
    push_bytes(w->L, bytes_make(body.data + 4, body.size - 4));
    lua_setfield(w->L, -2, "string");
    push_bytes(w->L, bytes_make(body.data, 3));
    lua_setfield(w->L, -2, "format");
    wrap(w->L, "verbatim_string");
}

static void push_bool(struct wire *w)
{
    struct bytes line;
    if (!take_line(w, &line) || line.size != 1 || (line.data[0] != 't' && line.data[0] != 'f'))
        break_off(w);
    else
        lua_pushboolean(w->L, line.data[0] == 't');
}

static void push_null(struct wire *w)
{
    struct bytes line;
    if (!take_line(w, &line) || line.size != 0)
        break_off(w);
    else
        lua_pushnil(w->L);
}

// A count of elements of which each takes at least 3 bytes.
static bool take_count(struct wire *w, int64_t per_count, int64_t *count)
{
    return take_int(w, count) && *count >= -1 && *count <= INT32_MAX &&
           *count * per_count <= (int64_t)(w->left.size / 3);
}

static void push_array(struct wire *w)
{
    int64_t count;
    if (!take_count(w, 1, &count)) {
        break_off(w);
        return;
    }
    if (count < 0) {
        lua_pushboolean(w->L, 0);
        return;
    }
    lua_createtable(w->L, (int)count, 0);
    for (int i = 1; i <= (int)count && !w->is_broken; i++) {
        push_value(w);
        lua_rawseti(w->L, -2, i);
    }
}

// Keys of Lua's tables can be neither nil nor not a number.
static void set_pair(lua_State *L)
{
    bool is_key = !lua_isnil(L, -2) &&
                  (lua_type(L, -2) != LUA_TNUMBER || lua_tonumber(L, -2) == lua_tonumber(L, -2));
    if (is_key)
        lua_rawset(L, -3);
    else
        lua_pop(L, 2);
}

static void push_map(struct wire *w)
{
    int64_t count;
    if (!take_count(w, 2, &count) || count < 0) {
        break_off(w);
        return;
    }
    lua_createtable(w->L, 0, (int)count);
    for (int64_t i = 0; i < count && !w->is_broken; i++) {
        push_value(w);
        push_value(w);
        set_pair(w->L);
    }
    wrap(w->L, "map");
}

static void push_set(struct wire *w)
{
    int64_t count;
    if (!take_count(w, 1, &count) || count < 0) {
        break_off(w);
        return;
    }
    lua_createtable(w->L, 0, (int)count);
    for (int64_t i = 0; i < count && !w->is_broken; i++) {
        push_value(w);
        lua_pushboolean(w->L, 1);
        set_pair(w->L);
    }
    wrap(w->L, "set");
}

// Scripts do not get to see attributes: what they belong to follows.
static void push_behind_attribute(struct wire *w)
{
    int64_t count;
    if (!take_count(w, 2, &count) || count < 0) {
        break_off(w);
        return;
    }
    for (int64_t i = 0; i < 2 * count && !w->is_broken; i++) {
        push_value(w);
        lua_pop(w->L, 1);
    }
    push_value(w);
}

static void push_typed(struct wire *w, uint8_t type)
{
    switch (type) {
    case '$':
        push_bulk(w);
        return;
    case ':':
        push_int(w);
        return;
    case '+':
        push_status(w);
        return;
    case '-':
        push_error(w);
        return;
    case '*':
    case '>':
        push_array(w);
        return;
    case '%':
        push_map(w);
        return;
    case '~':
        push_set(w);
        return;
    case '_':
        push_null(w);
        return;
    case '#':
        push_bool(w);
        return;
    case ',':
        push_double(w);
        return;
    case '(':
        push_big_number(w);
        return;
    case '=':
        push_verbatim(w);
        return;
    case '|':
        push_behind_attribute(w);
        return;
    default:
        break_off(w);
    }
}

static void push_value(struct wire *w)
{
    uint8_t type;
    if (w->is_broken || ++w->depth > SCRIPT_WIRE_DEPTH_MAX || !bytes_u8(&w->left, &type)) {
        break_off(w);
        return;
    }
    luaL_checkstack(w->L, 8, "reply is nested too deep");
    push_typed(w, type);
    w->depth--;
}

bool script_push_wire(lua_State *L, struct bytes wire)
{
    struct wire w = { .L = L, .left = wire };
    int top = lua_gettop(L);
    push_value(&w);
    if (!w.is_broken && w.left.size == 0) return !w.is_error;
    lua_settop(L, top);
    script_push_error(L, BYTES_LITERAL("the command's reply cannot be read"));
    return false;
}
