#include <stdlib.h>
#include "dataplane/base/status.h"
#include "dataplane/cmd/peers.h"
#include "dataplane/cmd/tracking_priv.h"

enum {
    LOOK_AT_ALL_MAX = 64,    // prefixes up to which each is compared with each, as Redis does
    PREFIX_SHOWN_MAX = 1024, // bytes of one in an error
};

struct tracking_args {
    uint32_t mode;
    uint64_t redirect;
    uint32_t prefix_count;
    struct bytes *prefixes; // owned
    uint32_t prefix_room;
};

// ---- the options

static bool parse_redirect(struct call *call, uint32_t index, struct tracking_args *a)
{
    int64_t id;
    if (a->redirect) {
        reply_error(call->reply, "ERR A client can only redirect to a single other client");
        return false;
    }
    if (!call_int(call, index, &id, NULL)) return false;
    // Redis looks at the moment of the call only; who goes later makes a broken redirection.
    struct server *home;
    if (!peers_find_client(call->server, (uint64_t)id, &home)) {
        reply_error(call->reply, "ERR The client ID you want redirect to does not exist");
        return false;
    }
    a->redirect = (uint64_t)id;
    return true;
}

static void keep_prefix(struct call *call, struct tracking_args *a, struct bytes text)
{
    if (!a->prefixes) {
        a->prefix_room = call->argc;
        a->prefixes =
            heap_take(call->server->heap, a->prefix_room * sizeof *a->prefixes, HEAP_OTHER);
    }
    a->prefixes[a->prefix_count++] = text;
}

static bool parse_options(struct call *call, struct tracking_args *a)
{
    for (uint32_t i = 3; i < call->argc; i++) {
        struct bytes word = call->argv[i];
        bool more = i + 1 < call->argc;
        if (bytes_is_option(word, "redirect") && more) {
            if (!parse_redirect(call, ++i, a)) return false;
        } else if (bytes_is_option(word, "bcast")) {
            a->mode |= TRACKING_BCAST;
        } else if (bytes_is_option(word, "optin")) {
            a->mode |= TRACKING_OPTIN;
        } else if (bytes_is_option(word, "optout")) {
            a->mode |= TRACKING_OPTOUT;
        } else if (bytes_is_option(word, "noloop")) {
            a->mode |= TRACKING_NOLOOP;
        } else if (bytes_is_option(word, "prefix") && more) {
            keep_prefix(call, a, call->argv[++i]);
        } else {
            reply_error(call->reply, reply_text_syntax);
            return false;
        }
    }
    return true;
}

static const char *mode_conflict(const struct client *c, const struct tracking_args *a)
{
    uint32_t now = c->tracker ? c->tracker->mode : 0;
    bool in = a->mode & TRACKING_OPTIN, out = a->mode & TRACKING_OPTOUT;
    if (a->prefix_count && !(a->mode & TRACKING_BCAST))
        return "ERR PREFIX option requires BCAST mode to be enabled";
    if (c->tracker && ((now ^ a->mode) & TRACKING_BCAST))
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    if ((a->mode & TRACKING_BCAST) && (in || out))
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    if (in && out) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    if ((in && (now & TRACKING_OPTOUT)) || (out && (now & TRACKING_OPTIN)))
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    return NULL;
}

// ---- prefixes of one client may not overlap, nor be the same

static int compare(const void *left, const void *right)
{
    const struct bytes *a = left, *b = right;
    size_t size = a->size < b->size ? a->size : b->size;
    int order = size ? memcmp(a->data, b->data, size) : 0;
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static bool overlap(struct bytes a, struct bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    return size == 0 || memcmp(a.data, b.data, size) == 0;
}

static int shown_bytes(struct bytes b)
{
    return (int)(b.size < PREFIX_SHOWN_MAX ? b.size : PREFIX_SHOWN_MAX);
}

static bool refuse_overlap(struct call *call, struct bytes a, const char *what, struct bytes b)
{
    reply_errorf(call->reply,
                 "ERR Prefix '%.*s' overlaps with %s prefix '%.*s'. Prefixes for a single client "
                 "must not overlap.",
                 shown_bytes(a), (const char *)a.data, what, shown_bytes(b), (const char *)b.data);
    return false;
}

// In order, so that an overlap is one of neighbours. Returns how many; *texts is the caller's.
static uint32_t sorted_prefixes(struct server *s, const struct client *c, struct bytes **texts)
{
    const struct list *own = c->tracker ? &c->tracker->prefixes : NULL;
    uint32_t count = 0;
    *texts = NULL;
    if (!own || !own->count) return 0;
    *texts = heap_take(s->heap, own->count * sizeof **texts, HEAP_OTHER);
    for (struct list_node *n = list_first(own); n; n = list_next(own, n))
        (*texts)[count++] = name_text(LIST_OWNER(n, struct prefix_client, in_client)->prefix->name);
    qsort(*texts, count, sizeof **texts, compare);
    return count;
}

static bool few_fit(struct call *call, const struct tracking_args *a, const struct bytes *own,
                    uint32_t own_count)
{
    for (uint32_t i = 0; i < a->prefix_count; i++) {
        struct bytes text = a->prefixes[i];
        for (uint32_t j = 0; j < own_count; j++)
            if (overlap(text, own[j])) return refuse_overlap(call, text, "an existing", own[j]);
        for (uint32_t j = i + 1; j < a->prefix_count; j++)
            if (overlap(text, a->prefixes[j]))
                return refuse_overlap(call, text, "another provided", a->prefixes[j]);
    }
    return true;
}

// Of many some overlap is found, not always the one that Redis names.
static bool many_fit(struct call *call, const struct tracking_args *a, const struct bytes *own,
                     uint32_t own_count)
{
    struct server *s = call->server;
    uint64_t count = (uint64_t)a->prefix_count + own_count, bytes = count * sizeof(struct bytes);
    struct bytes *all = heap_take(s->heap, bytes, HEAP_OTHER);
    memcpy(all, a->prefixes, a->prefix_count * sizeof *all);
    if (own_count) memcpy(all + a->prefix_count, own, own_count * sizeof *all);
    qsort(all, count, sizeof *all, compare);
    uint64_t at = 0;
    while (at + 1 < count && !overlap(all[at], all[at + 1])) at++;
    bool fit = at + 1 == count;
    if (!fit) (void)refuse_overlap(call, all[at], "another", all[at + 1]);
    heap_give(s->heap, all, bytes, HEAP_OTHER);
    return fit;
}

static bool prefixes_fit(struct call *call, const struct tracking_args *a)
{
    struct bytes *own;
    if (!a->prefix_count) return true;
    uint32_t own_count = sorted_prefixes(call->server, call->client, &own);
    bool are_few = a->prefix_count + own_count <= LOOK_AT_ALL_MAX;
    bool fit = are_few ? few_fit(call, a, own, own_count) : many_fit(call, a, own, own_count);
    if (own) heap_give(call->server->heap, own, own_count * sizeof *own, HEAP_OTHER);
    return fit;
}

static void add_prefixes(struct call *call, const struct tracking_args *a)
{
    struct server *s = call->server;
    struct client *c = call->client;
    struct bytes every = bytes_make("", 0);
    for (uint32_t i = 0; i < a->prefix_count; i++) prefix_add(s, c, a->prefixes[i]);
    if (!a->prefix_count && !prefix_has(s, c, every)) prefix_add(s, c, every);
}

// ---- CLIENT TRACKING

static void switch_on(struct call *call, const struct tracking_args *a)
{
    const char *conflict = mode_conflict(call->client, a);
    if (conflict) {
        reply_error(call->reply, conflict);
        return;
    }
    if (!prefixes_fit(call, a)) return;
    tracking_start(call, a->mode, a->redirect);
    if (a->mode & TRACKING_BCAST) add_prefixes(call, a);
    reply_ok(call->reply);
}

static void switch_tracking(struct call *call, const struct tracking_args *a)
{
    if (bytes_is_option(call->argv[2], "on")) {
        switch_on(call, a);
    } else if (bytes_is_option(call->argv[2], "off")) {
        tracking_forget_client(call->server, call->client);
        reply_ok(call->reply);
    } else {
        reply_error(call->reply, reply_text_syntax);
    }
}

void client_tracking(struct call *call)
{
    struct tracking_args a = { 0 };
    if (parse_options(call, &a)) switch_tracking(call, &a);
    if (a.prefixes)
        heap_give(call->server->heap, a.prefixes, a.prefix_room * sizeof *a.prefixes, HEAP_OTHER);
}

// ---- CLIENT CACHING, GETREDIR, TRACKINGINFO

void client_caching(struct call *call)
{
    struct tracker *t = call->client->tracker;
    bool yes = bytes_is_option(call->argv[2], "yes"), no = bytes_is_option(call->argv[2], "no");
    if (!t) {
        reply_error(call->reply,
                    "ERR CLIENT CACHING can be called only when the client is in tracking mode "
                    "with OPTIN or OPTOUT mode enabled");
    } else if (!yes && !no) {
        reply_error(call->reply, reply_text_syntax);
    } else if (yes && !(t->mode & TRACKING_OPTIN)) {
        reply_error(call->reply, "ERR CLIENT CACHING YES is only valid when tracking is enabled in "
                                 "OPTIN mode.");
    } else if (no && !(t->mode & TRACKING_OPTOUT)) {
        reply_error(call->reply, "ERR CLIENT CACHING NO is only valid when tracking is enabled in "
                                 "OPTOUT mode.");
    } else {
        t->mode |= TRACKING_CACHING;
        reply_ok(call->reply);
    }
}

void client_getredir(struct call *call)
{
    const struct tracker *t = call->client->tracker;
    reply_int(call->reply, t ? (int64_t)t->redirect : -1);
}

static uint32_t mode_words(const struct tracker *t, const char *words[8])
{
    uint32_t count = 0;
    words[count++] = t ? "on" : "off";
    if (!t) return count;
    bool said = t->mode & TRACKING_CACHING;
    if (t->mode & TRACKING_BCAST) words[count++] = "bcast";
    if (t->mode & TRACKING_OPTIN) words[count++] = "optin";
    if ((t->mode & TRACKING_OPTIN) && said) words[count++] = "caching-yes";
    if (t->mode & TRACKING_OPTOUT) words[count++] = "optout";
    if ((t->mode & TRACKING_OPTOUT) && said) words[count++] = "caching-no";
    if (t->mode & TRACKING_NOLOOP) words[count++] = "noloop";
    if (t->mode & TRACKING_BROKEN_REDIRECT) words[count++] = "broken_redirect";
    return count;
}

void client_trackinginfo(struct call *call)
{
    const struct tracker *t = call->client->tracker;
    const char *words[8];
    struct bytes *prefixes;
    uint32_t count = mode_words(t, words);
    reply_map(call->reply, 3);
    reply_bulk_text(call->reply, "flags");
    reply_set(call->reply, count);
    for (uint32_t i = 0; i < count; i++) reply_bulk_text(call->reply, words[i]);
    reply_bulk_text(call->reply, "redirect");
    reply_int(call->reply, t ? (int64_t)t->redirect : -1);
    reply_bulk_text(call->reply, "prefixes");
    count = sorted_prefixes(call->server, call->client, &prefixes);
    reply_array(call->reply, count);
    for (uint32_t i = 0; i < count; i++) reply_bulk(call->reply, prefixes[i]);
    if (prefixes) heap_give(call->server->heap, prefixes, count * sizeof *prefixes, HEAP_OTHER);
}
