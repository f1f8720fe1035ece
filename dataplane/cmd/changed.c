#include "dataplane/cmd/changed.h"
#include "dataplane/cmd/cmd.h"
#include "dataplane/cmd/kept_changes.h"
#include "dataplane/cmd/notify.h"
#include "dataplane/cmd/tracking.h"
#include "dataplane/cmd/watch.h"

static void on_changed(struct server *s, uint32_t db, struct bytes key, uint32_t class,
                       const char *event)
{
    if (UNLIKELY(s->kept_changes != NULL)) {
        changes_keep(s->kept_changes, s, db, key, class, event);
        return;
    }
    if (class & EVENT_ONLY) {
        if (s->notify_classes) notify_event(s, db, key, class, event);
        return;
    }
    bool is_own_act = !(class & (EVENT_EXPIRED | EVENT_EVICTED)); // of who runs a command
    if (s->watched_keys.count) watch_touch(s, db, key);
    if (tracking_is_on(&s->tracking))
        tracking_key_changed(s, key, is_own_act ? s->executing : NULL);
    if (s->notify_classes) notify_event(s, db, key, class, event);
}

static bool has_listeners(const struct server *s)
{
    return s->watched_keys.count || s->notify_classes || tracking_is_on(&s->tracking);
}

void changed_steer(struct server *s) { s->on_changed = has_listeners(s) ? on_changed : NULL; }

void changed_flush(struct server *s, uint32_t db)
{
    if (tracking_is_on(&s->tracking)) tracking_flushed(s);
    if (s->watched_keys.count) watch_touch_database(s, db, CHANGED_ALL_DATABASES);
}

void changed_swap(struct server *s, uint32_t a, uint32_t b)
{
    if (a == b) return;
    // Tracked keys have no database: each name may stand for another value now.
    if (tracking_is_on(&s->tracking)) tracking_flushed(s);
    if (!s->watched_keys.count) return;
    watch_touch_database(s, a, b);
    watch_touch_database(s, b, a);
}
