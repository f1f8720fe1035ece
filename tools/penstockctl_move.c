// shards move: asks the server to give a range of slots to a shard, and waits for the end if told
// to.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tools/penstockctl.h"
#include "tools/penstockctl_client.h"

enum { LOOK_AGAIN_MS = 50 };

struct order {
    char first[8], last[8];
    const char *shard;
    bool waits;
};

static bool read_range(struct order *order, const char *text)
{
    int end = 0;
    bool is_one = sscanf(text, "%7[0-9]%n", order->first, &end) == 1 && text[end] == '\0';
    if (is_one) memcpy(order->last, order->first, sizeof order->last);
    bool is_range = sscanf(text, "%7[0-9]-%7[0-9]%n", order->first, order->last, &end) == 2;
    return is_one || (is_range && text[end] == '\0');
}

static bool read_order(struct order *order, int argc, char **argv)
{
    int words = 0;
    *order = (struct order){ 0 };
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--wait") == 0)
            order->waits = true;
        else if (words++ == 0 && !read_range(order, argv[i]))
            return false;
        else if (words == 2)
            order->shard = argv[i];
    }
    return words == 2;
}

// What MOVE-STATUS says of name: the array is of names and values in turn.
static int64_t field(const struct reply *r, const char *name)
{
    for (size_t i = 0; i + 1 < r->count; i += 2)
        if (r->items[i].text && strcmp(r->items[i].text, name) == 0) return r->items[i + 1].integer;
    return -1;
}

static enum ctl_exit call_checked(struct client *c, int argc, const char *const *argv,
                                  struct reply *r)
{
    enum ctl_exit result = client_call(c, argc, argv, r);
    if (result != CTL_OK || r->type != '-') return result;
    ctl_complain("%s", r->text);
    reply_free(r);
    return CTL_ANSWERED_ERROR;
}

static enum ctl_exit wait_for_end(struct client *c)
{
    const char *const ask[] = { "PENSTOCK", "MOVE-STATUS" };
    const struct timespec pause = { .tv_nsec = LOOK_AGAIN_MS * 1000000 };
    for (;;) {
        struct reply r;
        enum ctl_exit result = call_checked(c, 2, ask, &r);
        if (result != CTL_OK) return result;
        int64_t running = field(&r, "running");
        int64_t keys = field(&r, "keys_taken") + field(&r, "keys_fetched");
        reply_free(&r);
        if (running == 0) {
            printf("%lld keys moved\n", (long long)keys);
            return CTL_OK;
        }
        if (running < 0) {
            ctl_complain("the server does not say how far it is");
            return CTL_BROKEN;
        }
        nanosleep(&pause, NULL);
    }
}

enum ctl_exit ctl_shards_move(const struct ctl_options *o, int argc, char **argv)
{
    struct order order;
    struct client client;
    struct reply reply;
    if (!read_order(&order, argc, argv)) {
        ctl_complain("shards move takes FIRST-LAST SHARD [--wait]");
        return CTL_USAGE;
    }
    enum ctl_exit result = client_open(&client, o);
    if (result != CTL_OK) return result;
    const char *const ask[] = { "PENSTOCK", "MOVE-SLOTS", order.first, order.last, order.shard };
    result = call_checked(&client, 5, ask, &reply);
    if (result == CTL_OK) {
        reply_free(&reply);
        if (order.waits) result = wait_for_end(&client);
    }
    client_close(&client);
    return result;
}
