#include "dataplane/cmd/notify.h"
#include <stdio.h>
#include "dataplane/cmd/block.h"
#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/kept_changes.h"
#include "dataplane/cmd/node.h"
#include "dataplane/cmd/pubsub.h"

static uint32_t bits_of(char letter)
{
    static const struct {
        char letter;
        uint32_t bits;
    } letters[] = {
        { 'K', NOTIFY_KEYSPACE }, { 'E', NOTIFY_KEYEVENT }, { 'A', EVENT_ALL },
        { 'g', EVENT_GENERIC },   { '$', EVENT_STRING },    { 'l', EVENT_LIST },
        { 's', EVENT_SET },       { 'h', EVENT_HASH },      { 'z', EVENT_ZSET },
        { 't', EVENT_STREAM },    { 'x', EVENT_EXPIRED },   { 'e', EVENT_EVICTED },
        { 'm', EVENT_MISSED },    { 'n', EVENT_NEW },       { 'd', EVENT_MODULE },
    };
    for (uint32_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].letter == letter) return letters[i].bits;
    return 0;
}

static void on_missed(void *context, uint32_t db, struct bytes key)
{
    notify_event(context, db, key, EVENT_MISSED, "keymiss");
}

void notify_configure(struct server *s)
{
    uint32_t bits = 0;
    for (const char *at = s->settings->notify_keyspace_events; *at; at++) bits |= bits_of(*at);
    // Without a channel nothing is told, and without a class neither.
    bool is_on = (bits & (NOTIFY_KEYSPACE | NOTIFY_KEYEVENT)) && (bits & EVENT_EVERY);
    s->notify_classes = is_on ? bits : 0;
    keyspace_on_missed(s->keyspace, s->notify_classes & EVENT_MISSED ? on_missed : NULL, s);
    blocks_steer_hook(s);
    changed_steer(s);
}

static void publish(struct server *s, const char *kind, uint32_t db, struct bytes of,
                    struct bytes message)
{
    char small[256];
    size_t room = sizeof "__keyspace@4294967295__:" + of.size;
    char *channel = room <= sizeof small ? small : heap_take(s->heap, room, HEAP_OTHER);
    size_t size = (size_t)sprintf(channel, "__%s@%u__:", kind, db);
    if (of.size) memcpy(channel + size, of.data, of.size);
    pubsub_tell_all(s, bytes_make(channel, size + of.size), message);
    if (channel != small) heap_give(s->heap, channel, room, HEAP_OTHER);
}

static bool is_anybody_listening(const struct server *s)
{
    if (pubsub_has_listeners(&s->pubsub)) return true;
    return server_is_one_of_many(s) && posted_others(s, &s->node->listening);
}

void notify_event(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                  const char *event)
{
    if (UNLIKELY(s->kept_changes != NULL)) {
        if (s->notify_classes & class)
            changes_keep(s->kept_changes, s, db, key, class | EVENT_ONLY, event);
        return;
    }
    if (!(s->notify_classes & class) || !is_anybody_listening(s)) return;
    if (s->notify_classes & NOTIFY_KEYSPACE) publish(s, "keyspace", db, key, bytes_text(event));
    if (s->notify_classes & NOTIFY_KEYEVENT) publish(s, "keyevent", db, bytes_text(event), key);
}
