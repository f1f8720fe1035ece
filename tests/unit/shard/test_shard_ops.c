#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/stat.h>
#include "tests/unit/shard/fixture.h"

static const struct nic_mem_impairment good_wire = { .delay_ns = 10000 };

static bool config_set(struct peer *p, const char *name, const char *value, const char *reply)
{
    struct wire_text t = { 0 };
    wire_add(&t, "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n");
    wire_add_bulk(&t, name, strlen(name));
    wire_add_bulk(&t, value, strlen(value));
    peer_send(p, t.data, t.size);
    wire_free(&t);
    return peer_got(p, reply);
}

static bool has_info(struct peer *p, const char *section, const char *line)
{
    char ask[64];
    snprintf(ask, sizeof ask, "INFO %s\n", section);
    peer_say_requests(p, ask);
    peer_say_requests(p, "ECHO end-of-info\n");
    const char *end = "$11\r\nend-of-info\r\n";
    size_t size = strlen(end);
    (void)FIXTURE_WAIT(p->fixture, p->size - p->taken >= size &&
                                       memcmp(p->data + p->size - size, end, size) == 0);
    peer_keep(p, "", 1); // ends the text
    p->size--;
    bool found = strstr((char *)p->data + p->taken, line) != NULL;
    p->taken = p->size;
    return found;
}

// ---- listeners

Test(shard_ops, move_the_listener_and_keep_the_connections_when_the_port_changes)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    uint16_t port = fixture_free_port(f->address);
    char value[16], line[32];
    snprintf(value, sizeof value, "%u", port);
    snprintf(line, sizeof line, "tcp_port:%u\r\n", port);
    cr_assert(config_set(p, "port", value, "+OK\r\n"));
    fixture_steps(f, 3);
    cr_expect(eq(ptr, peer_connect_to(f, f->address, f->port), NULL), "the old one is closed");
    struct peer *q = peer_connect_to(f, f->address, port);
    cr_assert(q != NULL && peer_ask(q, "PING", "+PONG\r\n"));
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    cr_expect(has_info(p, "server", line));
    fixture_close(f);
}

Test(shard_ops, keep_the_old_listener_when_the_new_port_is_taken)
{
    struct fixture *f = fixture_open(""), *g = fixture_open("");
    struct peer *p = peer_connect(f);
    char taken[16], kept[64];
    snprintf(taken, sizeof taken, "%u", g->port);
    peer_say_requests(p, "PING\n");
    cr_assert(peer_got(p, "+PONG\r\n"));
    cr_assert(config_set(p, "port", taken,
                         "-ERR CONFIG SET failed (possibly related to argument 'port') - "));
    cr_assert(FIXTURE_WAIT(f, p->size > p->taken + 2 && p->data[p->size - 1] == '\n'));
    p->taken = p->size;
    fixture_steps(f, 3);
    cr_expect(eq(i64, f->shard->settings->port, f->port));
    cr_expect(eq(i64, f->shard->server.tcp_port, f->port));
    struct peer *q = peer_connect_to(f, f->address, f->port);
    cr_assert(q != NULL && peer_ask(q, "PING", "+PONG\r\n"));
    snprintf(kept, sizeof kept, "*2\r\n$4\r\nport\r\n$%d\r\n%u\r\n", f->port > 9999 ? 5 : 4,
             f->port);
    cr_assert(peer_ask(q, "CONFIG GET port", kept));
    fixture_close(f);
    fixture_close(g);
}

Test(shard_ops, keep_the_old_listeners_when_one_of_the_new_addresses_is_not_ours)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    char value[64];
    snprintf(value, sizeof value, "%s 192.0.2.1", f->address);
    cr_assert(config_set(p, "bind", value,
                         "-ERR CONFIG SET failed (possibly related to argument 'bind') - "));
    fixture_steps(f, 3);
    cr_assert(peer_ask(peer_connect(f), "PING", "+PONG\r\n"));
    cr_expect(eq(u32, f->shard->settings->bind.count, 1));
    fixture_close(f);
}

Test(shard_ops, listen_on_further_addresses)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    char value[64], other[] = "127.77.77.77";
    snprintf(value, sizeof value, "%s %s -192.0.2.1", f->address, other);
    cr_assert(config_set(p, "bind", value, "+OK\r\n"));
    fixture_steps(f, 3);
    struct peer *q = peer_connect_to(f, other, f->port);
    cr_assert(q != NULL && peer_ask(q, "PING", "+PONG\r\n"));
    cr_assert(peer_ask(peer_connect(f), "PING", "+PONG\r\n"));
    fixture_close(f);
}

Test(shard_ops, listen_on_no_port_at_all_when_it_is_0_and_again_later)
{
    struct fixture *f = fixture_open_unix("");
    struct peer *p = peer_connect_unix(f);
    char value[16];
    cr_assert(config_set(p, "port", "0", "+OK\r\n"));
    cr_expect(eq(ptr, peer_connect_to(f, f->address, f->port), NULL));
    cr_expect(has_info(p, "server", "tcp_port:0\r\n"));
    cr_assert(peer_ask(peer_connect_unix(f), "PING", "+PONG\r\n"));
    snprintf(value, sizeof value, "%u", f->port);
    cr_assert(config_set(p, "port", value, "+OK\r\n"));
    fixture_steps(f, 3);
    cr_assert(peer_ask(peer_connect(f), "PING", "+PONG\r\n"));
    fixture_close(f);
}

Test(shard_ops, move_the_port_of_the_nic)
{
    struct fixture *f = fixture_open_nic("protected-mode no", &good_wire, 1);
    struct peer *p = peer_connect(f);
    cr_assert(config_set(p, "port", "7000", "+OK\r\n"));
    cr_expect(eq(ptr, peer_connect_nic(f, FIXTURE_NIC_PORT), NULL), "refused");
    struct peer *q = peer_connect_nic(f, 7000);
    cr_assert(q != NULL && peer_ask(q, "PING", "+PONG\r\n"));
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    cr_assert(config_set(p, "port", "0", "+OK\r\n"));
    cr_expect(eq(ptr, peer_connect_nic(f, 7000), NULL));
    cr_assert(config_set(p, "port", "6379", "+OK\r\n"));
    cr_assert(peer_ask(peer_connect(f), "PING", "+PONG\r\n"));
    fixture_close(f);
}

Test(shard_ops, give_the_unix_socket_its_permissions_and_remove_it_at_the_end)
{
    struct fixture *f = fixture_open_unix("unixsocketperm 700");
    struct stat st;
    cr_assert(eq(int, stat(f->unix_path, &st), 0));
    cr_expect(eq(int, (int)(st.st_mode & 0777), 0700));
    fixture_close_shard(f);
    cr_expect(eq(int, stat(f->unix_path, &st), -1));
    fixture_close(f);
}

// ---- settings

static bool next_event_is(struct fixture *f, enum lane_kind kind)
{
    struct lane_msg m;
    return lane_receive(&f->shard->server.region_shard->events, &m) && m.kind == kind;
}

Test(shard_ops, publish_the_settings_that_a_restart_would_need)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    char *text = malloc(REGION_SETTINGS_BYTES);
    cr_expect(zero(u64, f->region.dataplane->live_settings.sequence));
    cr_assert(config_set(p, "timeout", "77", "+OK\r\n"));
    cr_assert(config_set(p, "requirepass", "a \"quoted\"\nword", "+OK\r\n"));
    cr_expect(next_event_is(f, LANE_SETTINGS));
    cr_expect(next_event_is(f, LANE_SETTINGS));
    size_t size =
        region_text_read(&f->region.dataplane->live_settings, text, REGION_SETTINGS_BYTES);
    struct settings read;
    struct conf_error error;
    settings_init(&read);
    cr_assert(eq(int, conf_read_text(&read, bytes_make(text, size), "live", &error), OK));
    cr_expect(eq(i64, read.timeout, 77));
    cr_expect(eq(str, read.requirepass, (char *)"a \"quoted\"\nword"));
    cr_expect(eq(i64, read.port, f->port));
    settings_close(&read);
    free(text);
    fixture_close(f);
}

Test(shard_ops, publish_nothing_when_a_change_is_refused)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(config_set(p, "timeout", "-1", "-ERR"));
    cr_assert(config_set(p, "databases", "3", "") && FIXTURE_WAIT(f, p->size > p->taken + 40));
    fixture_steps(f, 5);
    cr_expect(zero(u64, f->region.dataplane->live_settings.sequence));
    cr_expect(not(next_event_is(f, LANE_SETTINGS)));
    fixture_close(f);
}

Test(shard_ops, refuse_more_clients_than_there_are_places)
{
    struct fixture *f = fixture_open("maxclients 100");
    struct peer *p = peer_connect(f);
    cr_assert(config_set(p, "maxclients", "900000",
                         "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - The "
                         "operating system is not able to handle the specified number of clients, "
                         "try with "));
    fixture_steps(f, 3);
    cr_expect(eq(i64, f->shard->settings->maxclients, 100));
    p->taken = p->size;
    cr_assert(config_set(p, "maxclients", "101", "+OK\r\n"));
    cr_assert(config_set(p, "maxclients", "1", "+OK\r\n"));
    cr_assert(peer_got(peer_connect(f), "-ERR max number of clients reached\r\n"));
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"), "those who are there stay");
    fixture_close(f);
}

Test(shard_ops, give_new_connections_the_new_keepalive)
{
    struct fixture *f = fixture_open("tcp-keepalive 0");
    struct peer *p = peer_connect(f);
    int on = 0, idle = 0;
    socklen_t size = sizeof on;
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    int fd = fixture_last_session(f)->client.stream->fd;
    cr_assert(zero(int, getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &size)));
    cr_expect(zero(int, on));
    cr_assert(config_set(p, "tcp-keepalive", "123", "+OK\r\n"));
    cr_assert(peer_ask(peer_connect(f), "PING", "+PONG\r\n"));
    fd = fixture_last_session(f)->client.stream->fd;
    cr_assert(zero(int, getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &size)));
    cr_assert(zero(int, getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &size)));
    cr_expect(eq(int, on, 1));
    cr_expect(eq(int, idle, 123));
    fixture_close(f);
}

Test(shard_ops, switch_the_access_clock_with_the_eviction_policy)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "SET k v", "+OK\r\n"));
    cr_assert(peer_ask(p, "OBJECT IDLETIME k", ":0\r\n"));
    cr_assert(config_set(p, "maxmemory-policy", "allkeys-lfu", "+OK\r\n"));
    cr_assert(peer_ask(p, "SET l v", "+OK\r\n"));
    cr_assert(peer_ask(p, "OBJECT FREQ l", ":5\r\n"));
    cr_assert(config_set(p, "maxmemory-policy", "allkeys-lru", "+OK\r\n"));
    cr_assert(peer_ask(p, "SET m v", "+OK\r\n"));
    cr_assert(peer_ask(p, "OBJECT IDLETIME m", ":0\r\n"));
    fixture_close(f);
}

Test(shard_ops, ask_for_the_password_from_the_next_connection_on)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(config_set(p, "requirepass", "secret", "+OK\r\n"));
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    struct peer *q = peer_connect(f);
    cr_assert(peer_ask(q, "PING", "-NOAUTH Authentication required.\r\n"));
    cr_assert(peer_ask(q, "AUTH secret", "+OK\r\n"));
    fixture_close(f);
}

Test(shard_ops, show_figures_of_this_moment_in_info)
{
    struct fixture *f = fixture_open("");
    struct peer *p = peer_connect(f);
    cr_assert(peer_ask(p, "PING", "+PONG\r\n"));
    (void)has_info(p, "memory", "");
    uint64_t before = fixture_tally(f)->heap_bytes[HEAP_DATASET];
    cr_assert(peer_ask(p, "SETRANGE k 999999 x", ":1000000\r\n"));
    cr_expect(has_info(p, "clients", "connected_clients:1\r\n"));
    (void)has_info(p, "memory", "");
    cr_expect(ge(u64, fixture_tally(f)->heap_bytes[HEAP_DATASET], before + 1000000));
    fixture_close(f);
}
