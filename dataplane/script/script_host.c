#include "dataplane/base/check.h"
#include "dataplane/script/script_priv.h"

static int panic(lua_State *L)
{
    const char *text = lua_isstring(L, -1) ? lua_tostring(L, -1) : "an error outside of a script";
    check_failed("lua", 0, text);
}

static int open_world(lua_State *L)
{
    script_sandbox_open(lua_touserdata(L, 1));
    return 0;
}

struct script_host *script_host_open(struct heap *heap, enum script_kind kind,
                                     const struct script_host_ops *ops, void *context)
{
    struct script_host *h = heap_take_zeroed(heap, sizeof *h, HEAP_SCRIPTS);
    h->heap = heap;
    h->kind = kind;
    h->ops = ops;
    h->context = context;
    script_host_set_limit(h, 0);
    rng_entropy(&h->hash_key, sizeof h->hash_key);
    script_capture_init(&h->capture, heap);
    h->lua = lua_newstate(script_allocate, h);
    CHECK(h->lua);
    lua_atpanic(h->lua, panic);
    for (int ref = 1; ref < SCRIPT_REF_COUNT; ref++) { // luaL_ref counts on behind them
        lua_pushboolean(h->lua, 0);
        lua_rawseti(h->lua, LUA_REGISTRYINDEX, ref);
    }
    CHECK(lua_cpcall(h->lua, open_world, h) == 0);
    lua_settop(h->lua, 0);
    lua_sethook(h->lua, script_hook, LUA_MASKCOUNT, SCRIPT_POLL_INSTRUCTIONS);
    return h;
}

void script_host_close(struct script_host *h)
{
    struct heap *heap = h->heap;
    CHECK(!h->call && !h->load);
    lua_gc(h->lua, LUA_GCCOLLECT, 0); // finalizers run while all they use is there
    lua_close(h->lua);
    CHECK(h->vm_bytes == 0);
    script_cache_free(h);
    script_libraries_free(h);
    script_blocks_free(h);
    script_capture_free(&h->capture);
    script_buffer_free(heap, &h->error);
    script_buffer_free(heap, &h->scratch);
    heap_give(heap, h->args, h->args_capacity * sizeof *h->args, HEAP_SCRIPTS);
    heap_give(heap, h, sizeof *h, HEAP_SCRIPTS);
}

bool script_host_shrink(struct script_host *h)
{
    enum { SHRINK_KIB = 256 };
    CHECK(!h->call && !h->load);
    if (!h->is_emptied) {
        h->is_emptied = true;
        lua_rawgeti(h->lua, LUA_REGISTRYINDEX, SCRIPT_REF_GLOBALS);
        for (int i = 0; i < 2; i++) {
            lua_pushnil(h->lua);
            lua_setfield(h->lua, -2, i ? "KEYS" : "ARGV");
        }
        lua_settop(h->lua, 0);
    }
    // Callbacks go a few at a time too: there may be a hundred thousand.
    return script_cache_shrink(h) && script_libraries_shrink(h) &&
           lua_gc(h->lua, LUA_GCSTEP, SHRINK_KIB) == 1;
}

void script_host_set_limit(struct script_host *h, uint64_t vm_bytes_max)
{
    h->vm_bytes_max = vm_bytes_max ? vm_bytes_max : UINT64_MAX;
}

bool script_host_is_running(const struct script_host *h) { return h->call || h->load; }

void script_host_memory(const struct script_host *h, struct script_memory *out)
{
    bool is_eval = h->kind == SCRIPT_KIND_EVAL;
    *out = (struct script_memory){
        .vm_bytes = h->vm_bytes,
        .cached_bytes = sizeof *h + (is_eval ? h->scripts.bytes : h->library_bytes),
        .count = is_eval ? h->scripts.count : h->library_count,
    };
}
