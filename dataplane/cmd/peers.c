#include "dataplane/cmd/peers.h"

struct client *peers_find_client(struct server *s, uint64_t id, struct server **home)
{
    *home = server_peer(s, client_home_index(s, id));
    return client_table_find(&(*home)->clients, id);
}

// Whoever comes first shows a name.
static bool was_shown(struct server *s, const struct peer_names *at, const struct name *name)
{
    for (uint32_t i = 0; i < at->peer; i++)
        if (names_find(peer_names_of(server_peer(s, i), at->offset), name->db, name_text(name)))
            return true;
    return false;
}

struct name *peer_names_next(struct server *s, struct peer_names *at)
{
    for (; at->peer < server_peer_count(s); at->peer++, at->position = 0) {
        const struct names *names = peer_names_of(server_peer(s, at->peer), at->offset);
        while ((at->last = names_next(names, &at->position, at->last)) != NULL)
            if (!was_shown(s, at, at->last)) return at->last;
    }
    return NULL;
}

// The first one's are all new: with one shard nothing is looked through.
uint64_t peer_names_count(struct server *s, size_t offset)
{
    uint64_t count = peer_names_of(server_peer(s, 0), offset)->count;
    struct peer_names at = { .offset = offset, .peer = 1 };
    while (peer_names_next(s, &at)) count++;
    return count;
}
