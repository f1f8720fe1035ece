// Lua values become replies.
#include <float.h>
#include <stdio.h>
#include "dataplane/script/script_priv.h"

// Tables with one known field stand for what Lua has no type for; looked for in this order.
enum shape {
    SHAPE_ERROR,
    SHAPE_STATUS,
    SHAPE_DOUBLE,
    SHAPE_MAP,
    SHAPE_SET,
    SHAPE_BIG_NUMBER,
    SHAPE_VERBATIM,
    SHAPE_COUNT
};
static const struct {
    const char *name;
    int type;
} shapes[SHAPE_COUNT] = { [SHAPE_ERROR] = { "err", LUA_TSTRING },
                          [SHAPE_STATUS] = { "ok", LUA_TSTRING },
                          [SHAPE_DOUBLE] = { "double", LUA_TNUMBER },
                          [SHAPE_MAP] = { "map", LUA_TTABLE },
                          [SHAPE_SET] = { "set", LUA_TTABLE },
                          [SHAPE_BIG_NUMBER] = { "big_number", LUA_TSTRING },
                          [SHAPE_VERBATIM] = { "verbatim_string", LUA_TTABLE } };

struct writer {
    lua_State *L;
    struct reply *reply;
    uint8_t resp; // redis.setresp: what true and false are
    int names;    // stack index of the first shape's name
};

static void write_value(struct writer *w);

// Of the table at the top; nothing of the script's runs, whatever its metatable says.
static const char *text_field(lua_State *L, int table, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, table);
    if (lua_isstring(L, -1)) return lua_tostring(L, -1);
    lua_pop(L, 1);
    return NULL;
}

void script_failure_read(lua_State *L, struct script_failure *out)
{
    int table = lua_gettop(L);
    *out = (struct script_failure){ .text = "ERR unknown error" };
    lua_checkstack(L, 8);
    if (lua_isstring(L, -1)) {
        lua_pushfstring(L, "ERR %s", lua_tostring(L, -1));
        out->text = lua_tostring(L, -1);
        return;
    }
    if (!lua_istable(L, -1)) return;
    const char *text = text_field(L, table, "err");
    if (text) out->text = text;
    out->source = text_field(L, table, "source");
    out->line = text_field(L, table, "line");
    lua_pushliteral(L, "ignore_error_stats_update");
    lua_rawget(L, table);
    out->is_counted = lua_toboolean(L, -1);
}

static struct bytes top_bytes(lua_State *L)
{
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    return bytes_make(text, size);
}

static void write_number(struct reply *r, lua_Number value)
{
    // What the processor makes of a number that is too large, or none: a cast that C leaves open.
    bool fits = value >= -9223372036854775808.0 && value < 9223372036854775808.0;
    reply_int(r, fits ? (int64_t)value : INT64_MIN);
}

static void write_map(struct writer *w)
{
    uint64_t count = 0;
    script_table_unseal(w->L, -1);
    for (lua_pushnil(w->L); lua_next(w->L, -2); count++) lua_pop(w->L, 1);
    reply_map(w->reply, count);
    lua_pushnil(w->L);
    while (lua_next(w->L, -2)) {
        lua_pushvalue(w->L, -2);
        write_value(w);
        write_value(w);
    }
}

static void write_set(struct writer *w)
{
    uint64_t count = 0;
    script_table_unseal(w->L, -1);
    for (lua_pushnil(w->L); lua_next(w->L, -2); count++) lua_pop(w->L, 1);
    reply_set(w->reply, count);
    lua_pushnil(w->L);
    while (lua_next(w->L, -2)) {
        lua_pop(w->L, 1);
        lua_pushvalue(w->L, -1);
        write_value(w);
    }
}

// CR and LF would end it.
static void write_big_number(struct writer *w)
{
    struct bytes digits = top_bytes(w->L);
    luaL_Buffer b;
    luaL_buffinit(w->L, &b);
    for (size_t i = 0; i < digits.size; i++) {
        char c = (char)digits.data[i];
        luaL_addchar(&b, c == '\r' || c == '\n' ? ' ' : c);
    }
    luaL_pushresult(&b);
    reply_big_number(w->reply, top_bytes(w->L));
    lua_pop(w->L, 1);
}

static void write_status(struct writer *w)
{
    struct bytes text = top_bytes(w->L);
    char line[256];
    if (text.size >= sizeof line) {
        lua_pushvalue(w->L, -1);
        luaL_gsub(w->L, lua_tostring(w->L, -1), "\r", " ");
        luaL_gsub(w->L, lua_tostring(w->L, -1), "\n", " ");
        reply_status(w->reply, lua_tostring(w->L, -1));
        lua_pop(w->L, 3);
        return;
    }
    for (size_t i = 0; i <= text.size; i++) {
        char c = (char)text.data[i]; // Lua's terminator too
        line[i] = c == '\r' || c == '\n' ? ' ' : c;
    }
    reply_status(w->reply, line);
}

static bool write_verbatim(struct writer *w)
{
    lua_State *L = w->L;
    bool is_done = false;
    lua_pushliteral(L, "format");
    lua_rawget(L, -2);
    lua_pushliteral(L, "string");
    lua_rawget(L, -3);
    if (lua_type(L, -1) == LUA_TSTRING && lua_type(L, -2) == LUA_TSTRING) {
        char kind[3] = { ' ', ' ', ' ' };
        size_t size;
        const char *format = lua_tolstring(L, -2, &size);
        memcpy(kind, format, size < 3 ? size : 3);
        reply_verbatim(w->reply, kind, top_bytes(L));
        is_done = true;
    }
    lua_pop(L, 2);
    return is_done;
}

// The table is under its text.
static void write_error(struct writer *w)
{
    struct script_failure failure;
    lua_pushvalue(w->L, -2);
    script_failure_read(w->L, &failure);
    uint32_t count = w->reply->error_count;
    reply_error_bytes(w->reply, bytes_text(failure.text));
    if (failure.is_counted) w->reply->error_count = count;
}

static bool write_shape(struct writer *w, enum shape shape)
{
    switch (shape) {
    case SHAPE_ERROR:
        write_error(w);
        return true;
    case SHAPE_STATUS:
        write_status(w);
        return true;
    case SHAPE_DOUBLE:
        reply_double(w->reply, lua_tonumber(w->L, -1));
        return true;
    case SHAPE_MAP:
        write_map(w);
        return true;
    case SHAPE_SET:
        write_set(w);
        return true;
    case SHAPE_BIG_NUMBER:
        write_big_number(w);
        return true;
    default:
        return write_verbatim(w);
    }
}

static bool write_shaped(struct writer *w)
{
    int table = lua_gettop(w->L);
    for (int i = 0; i < SHAPE_COUNT; i++) {
        lua_pushvalue(w->L, w->names + i);
        lua_rawget(w->L, table);
        bool is_done = lua_type(w->L, -1) == shapes[i].type && write_shape(w, (enum shape)i);
        lua_settop(w->L, table);
        if (is_done) return true;
    }
    return false;
}

static void write_array(struct writer *w)
{
    int count = 0;
    do lua_rawgeti(w->L, -1, ++count);
    while (!lua_isnil(w->L, -1) && (lua_pop(w->L, 1), true));
    lua_pop(w->L, 1);
    count--;
    reply_array(w->reply, (uint64_t)count);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(w->L, -1, i);
        write_value(w);
    }
}

static void write_bool(struct writer *w, bool value)
{
    if (w->resp >= 3)
        reply_bool(w->reply, value);
    else if (value)
        reply_int(w->reply, 1);
    else
        reply_null(w->reply);
}

static void write_value(struct writer *w)
{
    lua_State *L = w->L;
    if (!lua_checkstack(L, 8)) {
        reply_error(w->reply, "ERR reached lua stack limit");
        lua_pop(L, 1);
        return;
    }
    switch (lua_type(L, -1)) {
    case LUA_TSTRING:
        reply_bulk(w->reply, top_bytes(L));
        break;
    case LUA_TBOOLEAN:
        write_bool(w, lua_toboolean(L, -1));
        break;
    case LUA_TNUMBER:
        write_number(w->reply, lua_tonumber(L, -1));
        break;
    case LUA_TTABLE:
        if (!write_shaped(w)) write_array(w);
        break;
    default:
        reply_null(w->reply);
    }
    lua_pop(L, 1);
}

void script_write_reply(struct script_host *h, lua_State *L, struct reply *reply)
{
    struct writer w = { .L = L, .reply = reply, .resp = h->resp };
    int value = lua_gettop(L);
    if (lua_istable(L, -1)) {
        w.names = value + 1;
        lua_checkstack(L, SHAPE_COUNT + 1);
        for (int i = 0; i < SHAPE_COUNT; i++) lua_pushstring(L, shapes[i].name);
        lua_pushvalue(L, value);
    }
    write_value(&w);
    lua_settop(L, value - 1);
}
