#include "dataplane/cmd/kept_changes.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/held.h"

struct kept_change {
    struct kept_change *next;
    struct server *home;
    const char *event;
    uint32_t db, class;
    size_t size;
    uint8_t key[];
};

static void set_keeper(struct kept_changes *k, shard_set shards, struct kept_changes *keeper)
{
    while (shards) held_next(k->server, &shards)->kept_changes = keeper;
}

void changes_begin(struct kept_changes *k, struct server *server, uint64_t bytes_max)
{
    *k = (struct kept_changes){ .server = server,
                                .shards = held_shards(server),
                                .bytes_max = bytes_max };
    set_keeper(k, k->shards, k);
}

void changes_drop(struct kept_changes *k, shard_set shards)
{
    set_keeper(k, shards & k->shards, NULL);
    k->shards &= ~shards;
}

void changes_keep(struct kept_changes *k, struct server *home, uint32_t db, struct bytes key,
                  uint32_t class, const char *event)
{
    size_t bytes = sizeof(struct kept_change) + key.size;
    struct kept_change *c = heap_take(k->server->heap, bytes, HEAP_SCRIPTS);
    *c = (struct kept_change){
        .home = home, .event = event, .db = db, .class = class, .size = key.size
    };
    if (key.size) memcpy(c->key, key.data, key.size);
    if (k->last)
        k->last->next = c;
    else
        k->first = c;
    k->last = c;
    k->bytes += bytes;
    if (k->bytes <= k->bytes_max) return;
    k->was_told = true;
    changes_tell(k);
}

// Of those with a bit of classes.
static void end(struct kept_changes *k, uint32_t classes)
{
    changes_drop(k, k->shards);
    for (struct kept_change *c = k->first, *next; c; c = next) {
        struct server *home = c->home;
        next = c->next;
        if ((c->class & classes) && home->on_changed)
            home->on_changed(home, c->db, bytes_make(c->key, c->size), c->class, c->event);
        heap_give(k->server->heap, c, sizeof *c + c->size, HEAP_SCRIPTS);
    }
    k->first = k->last = NULL;
}

void changes_tell(struct kept_changes *k) { end(k, EVENT_EVERY); }

// Of who has not written: what expired, as a key or a field, and what was looked for in vain.
void changes_tell_expired(struct kept_changes *k) { end(k, EVENT_EVERY & ~EVENT_MISSED); }

void changes_forget(struct kept_changes *k) { end(k, 0); }
