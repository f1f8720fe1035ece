#include "dataplane/cmd/posted.h"
#include "tests/unit/cmd/node_harness.h"

enum { SEEN_MAX = 64 };

static struct node_harness *n;
static struct { // by what is posted here: where, and the number and texts
    uint32_t shard;
    uint64_t number;
    char text[32];
} seen[SEEN_MAX];
static uint32_t seen_count;

static void open_node(void)
{
    n = node_open();
    seen_count = 0;
}
static void close_node(void) { node_close(n); }
TestSuite(posted, .init = open_node, .fini = close_node);

static void note(struct server *s, const struct posted *p)
{
    cr_assert(lt(u32, seen_count, SEEN_MAX));
    seen[seen_count].shard = s->shard_index;
    seen[seen_count].number = p->numbers[0];
    snprintf(seen[seen_count++].text, sizeof seen->text, "%.*s%.*s", (int)p->texts[0].size,
             (const char *)p->texts[0].data, (int)p->texts[1].size, (const char *)p->texts[1].data);
}

static void send(uint32_t from, uint32_t to, uint64_t number)
{
    struct posted p = { .numbers = { number }, .texts = { bytes_text("a"), bytes_text("b") } };
    post(n->node.servers[from], to, POSTED_MESSAGE, note, &p);
}

static void expect_seen(const uint64_t *numbers, uint32_t count)
{
    cr_expect(eq(u32, seen_count, count));
    for (uint32_t i = 0; i < count && i < seen_count; i++)
        cr_expect(eq(u64, seen[i].number, numbers[i]), "at %u", i);
}
#define EXPECT_SEEN(...)                                                                           \
    expect_seen((const uint64_t[]){ __VA_ARGS__ },                                                 \
                sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

Test(posted, brings_numbers_and_texts_to_the_other_shard)
{
    send(0, 2, 7);
    cr_expect(zero(u32, seen_count));
    node_carry(n);
    EXPECT_SEEN(7);
    cr_expect(eq(u32, seen[0].shard, 2));
    cr_expect(eq(str, seen[0].text, (char *)"ab"));
    cr_expect(zero(u64, n->node.mail[2].bytes));
}

Test(posted, runs_in_the_order_of_posting_however_it_arrives)
{
    send(0, 2, 1);
    send(1, 2, 2);
    send(0, 2, 3);
    send(1, 2, 4);
    node_carry_some(n, 1, 2);
    cr_expect(zero(u32, seen_count));
    cr_expect(not(posted_is_quiet(n->node.servers[2])));
    node_carry_some(n, 0, 2);
    EXPECT_SEEN(1, 2, 3, 4);
    cr_expect(posted_is_quiet(n->node.servers[2]));
}

Test(posted, keeps_a_shards_posts_to_itself_in_that_order)
{
    send(1, 1, 1);
    EXPECT_SEEN(1);
    send(0, 1, 2);
    send(1, 1, 3);
    EXPECT_SEEN(1);
    node_carry(n);
    EXPECT_SEEN(1, 2, 3);
}

static void note_and_send(struct server *s, const struct posted *p)
{
    note(s, p);
    send(s->shard_index, s->shard_index, p->numbers[0] + 1);
    cr_expect(eq(u64, seen[seen_count - 1].number, p->numbers[0]));
}

Test(posted, runs_what_an_action_posts_to_its_own_shard_behind_it)
{
    struct posted p = { .numbers = { 1 } };
    post(n->node.servers[1], 1, POSTED_COMMAND, note_and_send, &p);
    EXPECT_SEEN(1, 2);
}

Test(posted, lets_invalidations_and_news_wait_for_nobody)
{
    struct posted p = { .numbers = { 9 } };
    send(0, 2, 1);
    post(n->node.servers[1], 2, POSTED_INVALIDATION, note, &p);
    node_carry_some(n, 1, 2);
    EXPECT_SEEN(9);
    node_carry(n);
    EXPECT_SEEN(9, 1);
}

Test(posted, gives_up_what_never_came_to_its_turn)
{
    send(0, 2, 1);
    send(1, 2, 2);
    node_carry_some(n, 1, 2);
    cr_expect(eq(sz, n->node.servers[2]->posts.waiting.count, 1));
    // The harness looks that all of its heap came back.
    struct list_node *node = list_take_first(&n->posts);
    free(LIST_OWNER(node, struct node_post, link));
}

// ---- a shard that is behind

Test(posted, leaves_out_what_exceeds_the_bound_but_no_news)
{
    n->node.mail[1].bytes = POSTED_BYTES_MAX;
    cr_expect(not(post_fits(n->node.servers[0], 1)));
    send(0, 1, 1);
    cr_expect(zero(sz, n->posts.count));
    struct posted p = { .numbers = { 2 } };
    post(n->node.servers[0], 1, POSTED_NEWS, note, &p);
    n->node.mail[1].bytes -= POSTED_BYTES_MAX;
    node_carry(n);
    EXPECT_SEEN(2);
}

Test(posted, disconnects_subscribers_who_missed_a_message)
{
    struct harness_client *c = harness_client_open(n->shard[1]);
    harness_client_run(c, "SUBSCRIBE a");
    n->node.mail[1].bytes = POSTED_BYTES_MAX;
    send(0, 1, 1);
    n->node.mail[1].bytes = 0;
    cr_expect(zero(u32, n->killed_count));
    send(0, 1, 2); // it learns of it with what comes next
    node_carry(n);
    EXPECT_SEEN(2);
    cr_assert(eq(u32, n->killed_count, 1));
    cr_expect(eq(u64, n->killed[0].id, c->client.id));
    cr_expect(eq(u64, n->node.servers[1]->tally->output_limit_disconnections, 1));
    harness_client_close(c);
}

Test(posted, tells_all_trackers_that_an_invalidation_was_missed)
{
    struct harness_client *c = harness_client_open(n->shard[2]);
    c->client.reply.version = 3;
    harness_client_run(c, "CLIENT TRACKING ON");
    node_carry(n);
    post_lose(n->node.servers[0], 1, POSTED_INVALIDATION);
    send(0, 1, 1);
    node_carry(n);
    cr_expect(eq(str, (char *)harness_client_wire(c), (char *)">2\r\n$10\r\ninvalidate\r\n_\r\n"));
    harness_client_close(c);
}

Test(posted, marks_which_shards_have_something)
{
    uint64_t set = 0;
    posted_mark(n->node.servers[0], &set, true);
    posted_mark(n->node.servers[2], &set, true);
    cr_expect(eq(u64, posted_others(n->node.servers[0], &set), 4));
    cr_expect(eq(u64, posted_others(n->node.servers[1], &set), 5));
    posted_mark(n->node.servers[2], &set, false);
    cr_expect(zero(u64, posted_others(n->node.servers[0], &set)));
}
