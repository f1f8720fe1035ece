// Libraries: loaded once, in a world that knows little but redis.register_function.
#include "dataplane/base/check.h"
#include "dataplane/script/script_priv.h"

enum { FUNCTIONS_MIN = 4 };

// What one call of redis.register_function says; values are on the stack.
struct registration {
    int name, callback, description; // stack indexes; 0: not given
    uint32_t flags;
};

static char *copy_text(struct script_host *h, struct script_library *library, struct bytes text)
{
    char *copy = heap_take(h->heap, text.size + 1, HEAP_SCRIPTS);
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    library->bytes += text.size + 1;
    return copy;
}

static bool has_function(const struct script_library *library, struct bytes name)
{
    for (uint32_t i = 0; i < library->function_count; i++)
        if (bytes_equal(library->functions[i].name, name)) return true;
    return false;
}

static struct script_function *add_function(struct script_host *h, struct script_library *library)
{
    if (library->function_count == library->function_capacity) {
        uint32_t capacity =
            library->function_capacity ? library->function_capacity * 2 : FUNCTIONS_MIN;
        size_t old_bytes = library->function_capacity * sizeof *library->functions;
        size_t bytes = capacity * sizeof *library->functions;
        library->functions =
            heap_resize(h->heap, library->functions, old_bytes, bytes, HEAP_SCRIPTS);
        library->function_capacity = capacity;
        library->bytes += bytes - old_bytes;
    }
    return &library->functions[library->function_count];
}

static struct bytes text_at(lua_State *L, int index)
{
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    return bytes_make(text, size);
}

static int add_registration(lua_State *L, struct script_host *h, const struct registration *r)
{
    struct script_library *library = h->load->library;
    struct bytes name = text_at(L, r->name);
    if (!script_name_is_valid(name))
        return script_raise(L, "Library names can only contain letters, numbers, or underscores(_) "
                               "and must be at least one character long");
    if (has_function(library, name))
        return script_raise(L, "Function already exists in the library");
    lua_pushvalue(L, r->callback);
    int callback = luaL_ref(L, LUA_REGISTRYINDEX);
    struct script_function *f = add_function(h, library);
    *f = (struct script_function){
        .name = { (uint8_t *)copy_text(h, library, name), name.size },
        .flags = r->flags,
        .callback = callback,
        .library = library,
    };
    if (r->description) {
        struct bytes text = text_at(L, r->description);
        f->description = bytes_make(copy_text(h, library, text), text.size);
    }
    library->function_count++;
    return 0;
}

// An array of names, up to its first nil.
static uint32_t read_flags(lua_State *L, int index)
{
    uint32_t flags = 0;
    for (int i = 1;; i++) {
        lua_rawgeti(L, index, i);
        if (lua_isnil(L, -1)) break;
        uint32_t flag = lua_type(L, -1) == LUA_TSTRING ? script_flag_find(text_at(L, -1)) : 0;
        if (!flag) script_raise(L, "unknown flag given");
        flags |= flag;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return flags;
}

// The value is at the top; it stays on the stack, at the index that is returned.
static void read_field(lua_State *L, const char *key, struct registration *r)
{
    int value = lua_gettop(L);
    if (strcmp(key, "function_name") == 0) {
        if (!lua_isstring(L, value))
            script_raise(
                L, "function_name argument given to redis.register_function must be a string");
        r->name = value;
    } else if (strcmp(key, "description") == 0) {
        if (!lua_isstring(L, value))
            script_raise(L,
                         "description argument given to redis.register_function must be a string");
        r->description = value;
    } else if (strcmp(key, "callback") == 0) {
        if (!lua_isfunction(L, value))
            script_raise(L,
                         "callback argument given to redis.register_function must be a function");
        r->callback = value;
    } else if (strcmp(key, "flags") == 0) {
        if (!lua_istable(L, value))
            script_raise(L, "flags argument to redis.register_function must be a table "
                            "representing function flags");
        r->flags = read_flags(L, value);
    } else {
        script_raise(L, "unknown argument given to redis.register_function");
    }
}

static void read_named(lua_State *L, struct registration *r)
{
    if (!lua_istable(L, 1))
        script_raise(L, "calling redis.register_function with a single argument is only applicable "
                        "to Lua table (representing named arguments).");
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING && lua_type(L, -2) != LUA_TNUMBER)
            script_raise(L, "named argument key given to redis.register_function is not a string");
        luaL_checkstack(L, 4, "too many arguments");
        lua_pushvalue(L, -2); // a copy: making text of a number must not disturb lua_next
        const char *key = lua_tostring(L, -1);
        lua_insert(L, -2);
        read_field(L, key, r);
        lua_pushvalue(L, -3); // the key, on for lua_next; its value stays below
    }
    if (!r->name) script_raise(L, "redis.register_function must get a function name argument");
    if (!r->callback) script_raise(L, "redis.register_function must get a callback argument");
}

static void read_positional(lua_State *L, struct registration *r)
{
    if (!lua_isstring(L, 1))
        script_raise(L, "first argument to redis.register_function must be a string");
    if (!lua_isfunction(L, 2))
        script_raise(L, "second argument to redis.register_function must be a function");
    *r = (struct registration){ .name = 1, .callback = 2 };
}

static int register_function(lua_State *L)
{
    struct script_host *h = script_host_of(L);
    struct registration r = { 0 };
    int count = lua_gettop(L);
    if (!h->load)
        return script_raise(L,
                            "redis.register_function can only be called on FUNCTION LOAD command");
    if (count < 1 || count > 2)
        return script_raise(L, "wrong number of arguments to redis.register_function");
    if (count == 1)
        read_named(L, &r);
    else
        read_positional(L, &r);
    return add_registration(L, h, &r);
}

// {redis = {register_function, log, ...}}: both raise for what they lack.
void script_open_load(struct script_host *h)
{
    lua_State *L = h->lua;
    lua_newtable(L);
    lua_newtable(L);
    lua_pushcfunction(L, register_function);
    lua_setfield(L, -2, "register_function");
    script_open_log(L);
    script_table_make_strict(L);
    lua_insert(L, -2);
    script_table_seal(L, lua_gettop(L) - 1);
    lua_setfield(L, -3, "redis");
    lua_pop(L, 1);
    script_table_make_strict(L);
    lua_pop(L, 1);
    lua_rawseti(L, LUA_REGISTRYINDEX, SCRIPT_REF_LOAD_GLOBALS);
}

// What the sealed globals lead to.
static void set_globals(lua_State *L, int ref)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, SCRIPT_REF_GLOBALS_META);
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

static void library_free(struct script_host *h, struct script_library *library)
{
    for (uint32_t i = 0; i < library->function_count; i++) {
        struct script_function *f = &library->functions[i];
        heap_give(h->heap, (void *)(uintptr_t)f->name.data, f->name.size + 1, HEAP_SCRIPTS);
        if (f->description.data)
            heap_give(h->heap, (void *)(uintptr_t)f->description.data, f->description.size + 1,
                      HEAP_SCRIPTS);
    }
    if (library->functions)
        heap_give(h->heap, library->functions,
                  library->function_capacity * sizeof *library->functions, HEAP_SCRIPTS);
    heap_give(h->heap, library, sizeof *library, HEAP_SCRIPTS);
}

static void forget_callbacks(struct script_host *h, struct script_library *library)
{
    for (uint32_t i = 0; i < library->function_count; i++)
        luaL_unref(h->lua, LUA_REGISTRYINDEX, library->functions[i].callback);
}

// Compiles and runs it. False with *error.
static bool load(struct script_host *h, struct bytes code, struct bytes *error)
{
    lua_State *L = h->lua;
    struct script_failure failure;
    if (!script_compile(h, L, code, "@user_function")) {
        *error = script_host_error(h, "ERR Error compiling function: %s", lua_tostring(L, -1));
        return false;
    }
    set_globals(L, SCRIPT_REF_LOAD_GLOBALS);
    h->is_protected = true;
    int status = lua_pcall(L, 0, 0, 1);
    h->is_protected = false;
    set_globals(L, SCRIPT_REF_GLOBALS);
    if (h->killed) lua_sethook(L, script_hook, LUA_MASKCOUNT, SCRIPT_POLL_INSTRUCTIONS);
    if (h->killed || status) {
        script_failure_read(L, &failure);
        *error = script_host_error(h, "ERR Error registering functions: %s",
                                   h->killed ? h->killed : failure.text);
    } else if (h->load->library->function_count == 0) {
        *error = BYTES_LITERAL("ERR No functions registered");
    }
    return !h->killed && status == 0 && h->load->library->function_count > 0;
}

struct script_library *script_library_load(struct script_host *h, struct bytes code,
                                           struct bytes *error)
{
    struct script_library *library = heap_take_zeroed(h->heap, sizeof *library, HEAP_SCRIPTS);
    struct script_load state = { library };
    CHECK(h->kind == SCRIPT_KIND_FUNCTIONS && !h->call && !h->load);
    library->bytes = sizeof *library;
    h->load = &state;
    h->killed = NULL;
    lua_rawgeti(h->lua, LUA_REGISTRYINDEX, SCRIPT_REF_HANDLER);
    bool is_loaded = load(h, code, error);
    lua_settop(h->lua, 0);
    h->load = NULL;
    h->killed = NULL;
    if (!is_loaded) {
        forget_callbacks(h, library);
        library_free(h, library);
        return NULL;
    }
    library->next = h->libraries;
    if (h->libraries) h->libraries->previous = library;
    h->libraries = library;
    h->library_count++;
    h->library_bytes += library->bytes;
    return library;
}

static void unlink_library(struct script_host *h, struct script_library *library)
{
    if (library->previous)
        library->previous->next = library->next;
    else
        h->libraries = library->next;
    if (library->next) library->next->previous = library->previous;
    h->library_count--;
    h->library_bytes -= library->bytes;
}

void script_library_drop(struct script_host *h, struct script_library *library)
{
    CHECK(!h->call && !h->load);
    unlink_library(h, library);
    forget_callbacks(h, library);
    library_free(h, library);
}

bool script_libraries_shrink(struct script_host *h)
{
    if (h->libraries) script_library_drop(h, h->libraries);
    return !h->libraries;
}

// Lua is closed already.
void script_libraries_free(struct script_host *h)
{
    while (h->libraries) {
        struct script_library *library = h->libraries;
        unlink_library(h, library);
        library_free(h, library);
    }
}
