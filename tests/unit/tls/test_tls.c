#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <sys/eventfd.h>
#include "fixture.h"

static SSL_CTX *only(SSL_CTX *ctx, int version)
{
    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    return ctx;
}

static struct line *open_line(struct world *w, int version, const char *cert)
{
    struct line *l = line_open(w, only(client_context(w, cert), version));
    line_settle(l);
    return l;
}

static struct line *open_any(struct world *w) { return open_line(w, TLS1_3_VERSION, NULL); }

static void reply(struct line *l, const void *data, size_t size)
{
    outq_append(&l->up->out, bytes_make(data, size));
    l->up->ops->flush(l->up);
}

static void converses(int version)
{
    struct world *w = world_open(0);
    struct line *l = open_line(w, version, NULL);
    cr_assert(eq(u32, l->opens, 1));
    cr_assert(l->up != NULL);
    cr_expect(eq(int, SSL_version(l->client), version));
    line_say(l, "question", 8);
    line_settle(l);
    cr_expect(line_got(l, "question"));
    reply(l, "answer", 6);
    line_settle(l);
    cr_expect(line_replied(l, "answer"));
    cr_expect(eq(u64, w->tally.tls_handshakes, 1));
    cr_expect(eq(u64, w->tally.tls_resumed, 0));
    line_free(l);
    world_close(w);
}

Test(tls, serves_version_1_3) { converses(TLS1_3_VERSION); }
Test(tls, serves_version_1_2) { converses(TLS1_2_VERSION); }

Test(tls, gives_the_upper_stream_the_facts_of_the_lower_one)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    cr_expect(eq(int, l->up->fd, 77));
    cr_expect(eq(u16, l->up->remote.port, 4711));
    cr_expect(l->up->listener == STREAM_TLS);
    cr_expect(l->up->app == &w->app);
    line_say(l, "x", 1);
    line_settle(l);
    cr_expect(eq(u64, l->up->arrival_tsc, 5));
    cr_expect(eq(u64, l->up->rx_bytes, 1));
    line_free(l);
    world_close(w);
}

Test(tls, tells_the_app_nothing_before_the_handshake_is_done)
{
    struct world *w = world_open(0);
    struct line *l = line_open(w, client_context(w, NULL));
    line_client(l);
    line_move(l, 0);
    world_turn(w, false);
    cr_expect(eq(u32, l->opens, 0));
    cr_expect(eq(u32, tls_opening_count(w->tls), 1));
    line_settle(l);
    cr_expect(eq(u32, l->opens, 1));
    cr_expect(eq(u32, tls_opening_count(w->tls), 0));
    line_free(l);
    world_close(w);
}

Test(tls, reads_bytes_one_by_one_and_requests_that_come_with_the_finished_message)
{
    struct world *w = world_open(0);
    struct line *l = line_open(w, client_context(w, NULL));
    for (int i = 0; i < 6 && !SSL_is_init_finished(l->client); i++) {
        line_client(l);
        if (SSL_is_init_finished(l->client)) break;
        line_move(l, 1);
        world_turn(w, false);
    }
    cr_assert(SSL_is_init_finished(l->client));
    cr_expect(eq(u32, l->opens, 0)); // its last message is still on the way
    line_say(l, "early", 5);
    line_settle_by(l, 1);
    cr_expect(line_got(l, "early"));
    line_free(l);
    world_close(w);
}

Test(tls, closes_a_stream_that_the_app_refuses)
{
    struct world *w = world_open(0);
    w->refuse = true;
    struct line *l = open_any(w);
    cr_expect(eq(u32, l->opens, 1));
    cr_expect(l->lower_gone);
    cr_expect(eq(u32, l->closes, 0));
    line_free(l);
    world_close(w);
}

// ---- sessions

static SSL_SESSION *kept_session;
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION_free(kept_session);
    kept_session = session;
    return 1;
}

static bool resumes(struct world *w, int version, const char *cert, uint64_t options,
                    enum tls_auth later)
{
    SSL_CTX *ctx = only(client_context(w, cert), version);
    SSL_CTX_set_options(ctx, options);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    SSL_CTX_up_ref(ctx);
    struct line *l = line_open(w, ctx);
    line_settle(l);
    cr_assert(eq(u32, l->opens, 1));
    SSL_shutdown(l->client);
    l->up->ops->close(l->up); // else the session counts as broken
    line_settle(l);
    line_free(l);
    tls_set_auth(w->tls, later);
    uint64_t before = w->tally.tls_resumed;
    l = line_open(w, ctx);
    if (kept_session) SSL_set_session(l->client, kept_session);
    line_settle(l);
    bool is_resumed = SSL_session_reused(l->client) && w->tally.tls_resumed == before + 1;
    line_free(l);
    SSL_SESSION_free(kept_session);
    kept_session = NULL;
    return is_resumed;
}

Test(tls, resumes_a_session_by_its_ticket)
{
    struct world *w = world_open(0);
    cr_expect(resumes(w, TLS1_3_VERSION, NULL, 0, TLS_AUTH_NO));
    cr_expect(resumes(w, TLS1_2_VERSION, NULL, 0, TLS_AUTH_NO));
    world_close(w);
}

Test(tls, resumes_a_session_from_the_cache_when_the_client_takes_no_tickets)
{
    struct world *w = world_open(0);
    cr_expect(resumes(w, TLS1_2_VERSION, NULL, SSL_OP_NO_TICKET, TLS_AUTH_NO));
    world_close(w);
}

Test(tls, resumes_nothing_without_session_caching)
{
    struct world *w = world_open(0);
    world_use(w, &(struct world_files){ .no_caching = true });
    cr_expect(not(resumes(w, TLS1_3_VERSION, NULL, 0, TLS_AUTH_NO)));
    cr_expect(not(resumes(w, TLS1_2_VERSION, NULL, 0, TLS_AUTH_NO)));
    cr_expect(not(resumes(w, TLS1_2_VERSION, NULL, SSL_OP_NO_TICKET, TLS_AUTH_NO)));
    world_close(w);
}

// Else who connected before certificates were asked for would never have to show one.
Test(tls, resumes_no_session_from_before_certificates_were_asked_for)
{
    struct world *w = world_open(0);
    cr_expect(not(resumes(w, TLS1_3_VERSION, NULL, 0, TLS_AUTH_YES)));
    cr_expect(eq(u32, w->failures, 1));
    tls_set_auth(w->tls, TLS_AUTH_OPTIONAL);
    cr_expect(not(resumes(w, TLS1_2_VERSION, NULL, 0, TLS_AUTH_YES)));
    cr_expect(resumes(w, TLS1_3_VERSION, "client", 0, TLS_AUTH_YES));
    world_close(w);
}

// ---- certificates of clients

static bool is_let_in(struct world *w, enum tls_auth auth, int version, const char *cert)
{
    tls_set_auth(w->tls, auth);
    struct line *l = open_line(w, version, cert);
    bool is_open = l->up != NULL;
    line_free(l);
    return is_open;
}

Test(tls, asks_clients_for_certificates_as_told)
{
    struct world *w = world_open(0);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        cr_expect(is_let_in(w, TLS_AUTH_NO, version, NULL));
        cr_expect(is_let_in(w, TLS_AUTH_NO, version, "stranger"));
        cr_expect(is_let_in(w, TLS_AUTH_OPTIONAL, version, NULL));
        cr_expect(is_let_in(w, TLS_AUTH_OPTIONAL, version, "client"));
        cr_expect(not(is_let_in(w, TLS_AUTH_OPTIONAL, version, "stranger")));
        cr_expect(is_let_in(w, TLS_AUTH_YES, version, "client"));
        cr_expect(not(is_let_in(w, TLS_AUTH_YES, version, "stranger")));
        cr_expect(not(is_let_in(w, TLS_AUTH_YES, version, NULL)));
        cr_expect(strstr(w->failure, "peer did not return a certificate") != NULL);
    }
    cr_expect(eq(u64, w->tally.tls_failures, 6));
    world_close(w);
}

// ---- contexts

static void expect_refused(struct world *w, const struct world_files *files, const char *why)
{
    char error[256] = "";
    struct tls_context *context;
    cr_expect(world_context(w, files, &context, error) == ERR_IO);
    cr_expect(strncmp(error, why, strlen(why)) == 0, "%s", error);
    cr_expect(context == NULL);
}

Test(tls, refuses_directives_with_the_line_that_redis_logs)
{
    struct world *w = world_open(0);
    struct world_files f = { .cert = "server.crt", .key = "server.key", .ca = "ca.crt" };
    expect_refused(w, &(struct world_files){ 0 }, "No tls-cert-file configured!");
    expect_refused(w, &(struct world_files){ .cert = "server.crt" }, "No tls-key-file configured!");
    expect_refused(
        w, &(struct world_files){ .cert = "server.crt", .key = "server.key", .needs_ca = true },
        "Either tls-ca-cert-file or tls-ca-cert-dir must be specified");
    f.cert = "absent.crt";
    expect_refused(w, &f, "Failed to load certificate: ");
    f.cert = "next.crt"; // not of that key
    expect_refused(w, &f, "Failed to load private key: ");
    f.cert = "server.crt";
    f.protocols = "TLSv1.2 TLSv2";
    expect_refused(w, &f, "Invalid tls-protocols specified.");
    f.protocols = "";
    f.ciphers = "nonsense";
    expect_refused(w, &f, "Failed to configure ciphers: nonsense");
    f.ciphers = "";
    f.ciphersuites = "nonsense";
    expect_refused(w, &f, "Failed to configure ciphersuites: nonsense");
    f.ciphersuites = "";
    f.ca = "absent.crt";
    expect_refused(w, &f, "Failed to configure CA certificate(s) file/directory: ");
    world_close(w);
}

Test(tls, opens_a_locked_key_with_its_password_only)
{
    struct world *w = world_open(0);
    struct tls_context *context;
    char error[256];
    struct world_files f = { .cert = "locked.crt", .key = "locked.key", .password = "wrong" };
    expect_refused(w, &f, "Failed to load private key: ");
    f.password = "a pass";
    cr_expect(world_context(w, &f, &context, error) == OK, "%s", error);
    tls_context_close(context);
    world_close(w);
}

Test(tls, speaks_the_versions_that_are_allowed)
{
    struct world *w = world_open(0);
    world_use(w, &(struct world_files){ .protocols = "tlsv1.2" });
    cr_expect(is_let_in(w, TLS_AUTH_NO, TLS1_2_VERSION, NULL));
    cr_expect(not(is_let_in(w, TLS_AUTH_NO, TLS1_3_VERSION, NULL)));
    world_use(w, &(struct world_files){ .protocols = "TLSv1.3" });
    cr_expect(is_let_in(w, TLS_AUTH_NO, TLS1_3_VERSION, NULL));
    cr_expect(not(is_let_in(w, TLS_AUTH_NO, TLS1_2_VERSION, NULL)));
    world_close(w);
}

static const char *cipher_chosen(struct world *w, bool server_order)
{
    world_use(w, &(struct world_files){
                     .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
                     .server_order = server_order });
    SSL_CTX *ctx = only(client_context(w, NULL), TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384");
    struct line *l = line_open(w, ctx);
    line_settle(l);
    const char *name = SSL_get_cipher_name(l->client);
    line_free(l);
    return name;
}

Test(tls, chooses_ciphers_in_the_order_of_the_side_that_is_told_to)
{
    struct world *w = world_open(0);
    cr_expect(eq(str, (char *)cipher_chosen(w, false), "ECDHE-ECDSA-AES128-GCM-SHA256"));
    cr_expect(eq(str, (char *)cipher_chosen(w, true), "ECDHE-ECDSA-AES256-GCM-SHA384"));
    world_close(w);
}

static bool shows(const struct line *l, const char *name)
{
    char text[64];
    X509 *cert = SSL_get1_peer_certificate(l->client);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, text, sizeof text);
    X509_free(cert);
    return strcmp(text, name) == 0;
}

Test(tls, shows_a_new_certificate_to_newcomers_while_others_go_on)
{
    struct world *w = world_open(0);
    struct line *before = open_any(w);
    world_use(w, &(struct world_files){ .cert = "next.crt", .key = "next.key" });
    struct line *after = open_any(w);
    cr_expect(shows(before, "server"));
    cr_expect(shows(after, "next"));
    line_say(before, "still", 5);
    line_settle(before);
    cr_expect(line_got(before, "still"));
    line_free(before);
    line_free(after);
    world_close(w);
}

Test(tls, accepts_nobody_without_a_context)
{
    struct world *w = world_open(0);
    tls_set_context(w->tls, NULL);
    cr_expect(line_open(w, client_context(w, NULL)) == NULL);
    cr_expect(eq(u64, w->tally.tls_refusals, 1));
    world_close(w);
}

// ---- ends

Test(tls, tells_a_close_notify_as_the_end_and_still_sends)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    line_say(l, "last", 4);
    SSL_shutdown(l->client);
    line_settle(l);
    cr_expect(line_got(l, "last"));
    cr_expect(eq(u32, l->ends, 1));
    reply(l, "answer", 6);
    l->up->ops->close(l->up);
    line_settle(l);
    cr_expect(line_replied(l, "answer"));
    cr_expect(eq(u32, l->closes, 1));
    line_free(l);
    world_close(w);
}

Test(tls, tells_the_lower_end_once_and_still_sends)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    line_end(l);
    line_settle(l);
    cr_expect(eq(u32, l->ends, 1));
    reply(l, "answer", 6);
    line_settle(l);
    cr_expect(line_replied(l, "answer"));
    line_free(l);
    world_close(w);
}

Test(tls, says_close_notify_behind_all_output_when_it_closes)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    outq_append(&l->up->out, bytes_text("bye"));
    l->up->ops->close(l->up); // takes what is not flushed along
    cr_expect(l->lower_closing);
    line_settle(l);
    cr_expect(line_replied(l, "bye"));
    cr_expect(eq(int, SSL_get_shutdown(l->client) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN));
    cr_expect(eq(u32, l->closes, 1));
    cr_expect(not(l->lower_aborted));
    line_free(l);
    world_close(w);
}

Test(tls, resets_the_lower_stream_when_it_aborts)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    outq_append(&l->up->out, bytes_text("never seen"));
    l->up->ops->abort(l->up);
    cr_expect(l->lower_aborted);
    cr_expect(eq(u32, l->closes, 0)); // not inside the call
    line_settle(l);
    cr_expect(eq(u32, l->closes, 1));
    cr_expect(eq(sz, l->reply_size, (size_t)0));
    line_free(l);
    world_close(w);
}

Test(tls, tells_the_app_when_the_transport_loses_the_connection)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    line_drop(l, STREAM_TIMED_OUT);
    cr_expect(eq(u32, l->closes, 1));
    cr_expect(l->why == STREAM_TIMED_OUT);
    line_free(l);
    world_close(w);
}

Test(tls, closes_with_connections_in_every_state)
{
    struct world *w = world_open(0);
    struct line *waiting = line_open(w, client_context(w, NULL));
    line_client(waiting);
    line_move(waiting, 0);
    struct line *open = open_any(w), *closing = open_any(w);
    closing->is_stuck = true;
    closing->up->ops->close(closing->up);
    struct line *all[] = { waiting, open, closing };
    tls_close(w->tls);
    w->tls = NULL;
    cr_expect(eq(u32, open->closes, 1));
    for (int i = 0; i < 3; i++) line_free(all[i]);
    world_close(w);
}

// ---- hostile peers

Test(tls, names_the_reason_when_somebody_does_not_speak_tls)
{
    struct world *w = world_open(0);
    struct line *l = line_open(w, NULL);
    line_give(l, "PING\r\n", 6);
    line_settle(l);
    cr_expect(eq(u32, w->failures, 1));
    cr_expect(strstr(w->failure, ":SSL routines::wrong version number") != NULL, "%s", w->failure);
    cr_expect(l->lower_gone);
    cr_expect(eq(u32, l->opens, 0));
    line_free(l);
    world_close(w);
}

Test(tls, counts_a_peer_that_leaves_in_the_middle_of_its_handshake)
{
    struct world *w = world_open(0);
    struct line *ended = line_open(w, client_context(w, NULL)), *lost = line_open(w, NULL);
    line_client(ended);
    line_move(ended, 0);
    line_end(ended);
    world_turn(w, false);
    world_turn(w, false);
    cr_expect(eq(u32, w->failures, 1));
    line_drop(lost, STREAM_RESET);
    cr_expect(eq(u32, w->failures, 2));
    cr_expect(eq(str, w->failure, "Connection reset by peer"));
    cr_expect(eq(u32, tls_opening_count(w->tls), 0));
    line_free(ended);
    line_free(lost);
    world_close(w);
}

Test(tls, ends_a_connection_whose_records_are_forged)
{
    struct world *w = world_open(0);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct line *l = open_line(w, version, NULL);
        uint8_t record[64] = { 23, 3, 3, 0, 59 };
        line_give(l, record, sizeof record);
        cr_expect(eq(u32, l->closes, 0));
        line_settle(l);
        cr_expect(eq(u32, l->closes, 1));
        cr_expect(l->why == STREAM_RESET);
        cr_expect(eq(int, l->client_error, SSL_ERROR_SSL)); // it got the alert
        line_free(l);
    }
    world_close(w);
}

// CVE-2009-3555 and the cost of a handshake for each request.
Test(tls, refuses_renegotiation)
{
    struct world *w = world_open(0);
    struct line *l = open_line(w, TLS1_2_VERSION, NULL);
    cr_assert(eq(int, SSL_renegotiate(l->client), 1));
    SSL_do_handshake(l->client);
    line_settle(l);
    cr_expect(eq(u64, w->tally.tls_handshakes, 1));
    cr_expect(eq(int, l->client_error, SSL_ERROR_SSL)); // "no renegotiation"
    line_free(l);
    world_close(w);
}

Test(tls, answers_key_updates)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    for (int i = 0; i < 100; i++) {
        cr_assert(eq(int, SSL_key_update(l->client, SSL_KEY_UPDATE_REQUESTED), 1));
        line_say(l, "x", 1);
        line_settle(l);
    }
    cr_expect(eq(sz, l->got_size, (size_t)100));
    reply(l, "ok", 2);
    line_settle(l);
    cr_expect(line_replied(l, "ok"));
    line_free(l);
    world_close(w);
}

Test(tls, gives_up_on_a_handshake_that_never_ends)
{
    struct world *w = world_open(0);
    struct line *silent = line_open(w, NULL), *half = line_open(w, client_context(w, NULL));
    w->now_ns += TLS_HANDSHAKE_NS / 2;
    line_client(half);
    line_move(half, 0);
    world_turn(w, false); // its deadline counts from here
    cr_expect(tls_next_ns(w->tls) != UINT64_MAX);
    w->now_ns += TLS_HANDSHAKE_NS / 2;
    world_turn(w, false);
    world_turn(w, false);
    cr_expect(silent->lower_closing);
    cr_expect(not(half->lower_closing));
    w->now_ns += TLS_HANDSHAKE_NS / 2;
    world_turn(w, false);
    cr_expect(half->lower_closing);
    cr_expect(eq(u64, w->tally.tls_timeouts, 2));
    line_free(silent);
    line_free(half);
    world_close(w);
}

Test(tls, holds_back_a_flood_that_comes_before_the_handshake_is_done)
{
    struct world *w = world_open(0);
    struct line *l = line_open(w, NULL);
    static uint8_t flood[TLS_KEPT_BYTES] = { 22, 3, 1, 0x40, 0 };
    line_give(l, flood, sizeof flood / 2);
    cr_expect(not(l->lower_paused));
    line_give(l, flood, sizeof flood / 2);
    cr_expect(l->lower_paused);
    line_free(l);
    world_close(w);
}

// ---- much output

static void fill(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) data[i] = (uint8_t)(i * 31 + (i >> 13));
}

static void release_nothing(void *value) { ++*(uint32_t *)value; }

Test(tls, sends_large_replies_whole_and_never_far_ahead_of_the_transport)
{
    enum { SIZE = 8 << 20 };
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    uint8_t *data = malloc(SIZE);
    uint32_t released = 0;
    fill(data, SIZE);
    l->is_stuck = true;
    outq_append_ref(&l->up->out, bytes_make(data, SIZE), release_nothing, &released);
    l->up->ops->flush(l->up);
    cr_expect(lt(u64, l->lower.out.bytes, (uint64_t)TLS_AHEAD_BYTES + 65536));
    cr_expect(ge(u64, l->up->ops->pending(l->up) + l->up->out.bytes, (uint64_t)SIZE));
    cr_expect(eq(u32, released, 0));
    l->is_stuck = false;
    for (int i = 0; i < 20; i++) {
        lower_flush(&l->lower);
        line_settle(l);
    }
    cr_expect(eq(u32, released, 1));
    cr_assert(eq(sz, l->reply_size, (size_t)SIZE));
    cr_expect(memcmp(l->reply, data, SIZE) == 0);
    free(data);
    line_free(l);
    world_close(w);
}

Test(tls, gathers_short_replies_into_one_record)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    char *on_wire;
    for (int i = 0; i < 1000; i++) outq_append(&l->up->out, bytes_text("+OK\r\n"));
    l->up->ops->flush(l->up);
    long size = BIO_get_mem_data(l->to_client, &on_wire);
    cr_expect(lt(i64, (int64_t)size, (int64_t)5000 + 64));
    line_settle(l);
    cr_expect(eq(sz, l->reply_size, (size_t)5000));
    line_free(l);
    world_close(w);
}

Test(tls, sends_no_more_than_was_flushed)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    reply(l, "first", 5);
    outq_append(&l->up->out, bytes_text("second"));
    struct piece *gap = outq_gap(&l->up->out);
    line_settle(l);
    cr_expect(line_replied(l, "first"));
    outq_gap_fill(&l->up->out, gap, bytes_text("third"));
    l->up->ops->flush(l->up);
    line_settle(l);
    cr_expect(line_replied(l, "firstsecondthird"));
    line_free(l);
    world_close(w);
}

Test(tls, closes_only_when_a_slow_transport_took_all)
{
    enum { SIZE = 3 << 20 };
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    uint8_t *data = calloc(1, SIZE);
    l->is_stuck = true;
    outq_append(&l->up->out, bytes_make(data, SIZE));
    l->up->ops->close(l->up);
    line_settle(l);
    cr_expect(not(l->lower_closing));
    l->is_stuck = false;
    for (int i = 0; i < 10 && !l->lower_gone; i++) {
        lower_flush(&l->lower);
        line_settle(l);
    }
    cr_expect(eq(sz, l->reply_size, (size_t)SIZE));
    cr_expect(eq(u32, l->closes, 1));
    free(data);
    line_free(l);
    world_close(w);
}

Test(tls, tells_when_all_output_has_left)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    reply(l, "x", 1);
    l->lower.app->on_drained(l->lower.app->app, &l->lower);
    cr_expect(eq(u32, l->drains, 1));
    line_free(l);
    world_close(w);
}

// ---- much input

Test(tls, has_the_arena_read_when_input_fills_it)
{
    enum { SIZE = 1 << 20 };
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    uint8_t *data = malloc(SIZE);
    fill(data, SIZE);
    for (size_t at = 0; at < SIZE; at += 16384) line_say(l, data + at, 16384);
    line_move(l, 0); // in one piece
    cr_expect(ge(u32, w->read_alls, SIZE / TLS_ARENA_BYTES - 1));
    cr_assert(eq(sz, l->got_size, (size_t)SIZE));
    cr_expect(memcmp(l->got, data, SIZE) == 0);
    free(data);
    line_free(l);
    world_close(w);
}

Test(tls, keeps_input_back_while_it_is_paused)
{
    enum { SIZE = 600000 };
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    uint8_t *data = malloc(SIZE);
    fill(data, SIZE);
    w->pause_on_data = true;
    for (size_t at = 0; at < SIZE; at += 10000) line_say(l, data + at, 10000);
    line_move(l, 0);
    cr_expect(l->lower_paused);
    SSL_shutdown(l->client);
    line_settle(l);
    size_t first = l->got_size;
    cr_expect(lt(sz, first, (size_t)SIZE));
    line_settle(l);
    cr_expect(eq(sz, l->got_size, first));
    cr_expect(eq(u32, l->ends, 0));
    for (int i = 0; i < 10; i++) {
        l->up->ops->pause(l->up, false);
        if (i == 0) cr_expect(eq(u64, tls_next_ns(w->tls), 0)); // a turn is wanted
        line_settle(l);
    }
    cr_assert(eq(sz, l->got_size, (size_t)SIZE));
    cr_expect(memcmp(l->got, data, SIZE) == 0);
    cr_expect(eq(u32, l->ends, 1));
    free(data);
    line_free(l);
    world_close(w);
}

Test(tls, echoes_random_sizes_in_pieces_of_any_size)
{
    struct world *w = world_open(0);
    struct line *l = open_any(w);
    uint8_t data[40000];
    size_t sent = 0;
    fill(data, sizeof data);
    w->echo = true;
    for (size_t size = 1; sent + size <= sizeof data; sent += size, size = size * 3 % 4001 + 1) {
        line_say(l, data + sent, size);
        line_settle_by(l, size % 700 + 1);
    }
    cr_expect(eq(sz, l->got_size, sent));
    cr_expect(eq(sz, l->reply_size, sent));
    cr_expect(memcmp(l->reply, data, sent) == 0);
    line_free(l);
    world_close(w);
}

// ---- the budget of handshakes

// With a budget of nothing at all each turn runs one step, and who is connected is served in every
// one of them.
Test(tls, runs_one_step_a_turn_beyond_its_budget_however_many_wait)
{
    enum { WAITING = 1000 };
    struct world *w = world_open(1);
    struct line *connected = open_any(w), **waiting = calloc(WAITING, sizeof *waiting);
    w->echo = true;
    for (int i = 0; i < WAITING; i++) {
        waiting[i] = line_open(w, client_context(w, NULL));
        line_client(waiting[i]);
        line_move(waiting[i], 0);
    }
    cr_expect(eq(u32, tls_opening_count(w->tls), WAITING));
    for (size_t turn = 1; turn <= 50; turn++) {
        line_say(connected, "x", 1);
        line_move(connected, 0);
        line_client(connected);
        cr_expect(eq(sz, connected->reply_size, turn));
        cr_expect(eq(u32, tls_turn(w->tls, w->now_ns, false), 1));
        tls_release(w->tls);
        cr_expect(eq(u64, tls_next_ns(w->tls), 0)); // no sleep while they wait
    }
    for (int turn = 0; turn < 5 * WAITING && tls_opening_count(w->tls); turn++) {
        world_turn(w, false);
        for (int i = 0; i < WAITING; i++) {
            if (!BIO_pending(waiting[i]->to_client)) continue;
            line_client(waiting[i]);
            line_move(waiting[i], 0);
        }
    }
    for (int i = 0; i < WAITING; i++) {
        cr_expect(eq(u32, waiting[i]->opens, 1));
        line_free(waiting[i]);
    }
    line_free(connected);
    free(waiting);
    world_close(w);
}

Test(tls, rests_between_steps_while_clients_are_served)
{
    struct world *w = world_open(1);
    struct line *a = line_open(w, client_context(w, NULL)),
                *b = line_open(w, client_context(w, NULL));
    line_client(a);
    line_move(a, 0);
    line_client(b);
    line_move(b, 0);
    cr_expect(eq(u32, tls_turn(w->tls, w->now_ns, true), 1));
    cr_expect(eq(u32, tls_turn(w->tls, w->now_ns + 1, true), 0));
    uint64_t next_ns = tls_next_ns(w->tls);
    cr_expect(gt(u64, next_ns, w->now_ns));
    cr_expect(eq(u32, tls_turn(w->tls, next_ns, true), 1));
    line_free(a);
    line_free(b);
    world_close(w);
}

Test(tls, does_not_rest_when_nobody_is_served)
{
    struct world *w = world_open(1);
    struct line *a = line_open(w, client_context(w, NULL)),
                *b = line_open(w, client_context(w, NULL));
    line_client(a);
    line_move(a, 0);
    line_client(b);
    line_move(b, 0);
    cr_expect(eq(u32, tls_turn(w->tls, w->now_ns, true), 1));
    cr_expect(eq(u32, tls_turn(w->tls, w->now_ns + 1, false), 1));
    line_free(a);
    line_free(b);
    world_close(w);
}

// ---- the worker

// Until it has done what it was given.
static void wait_for_worker(struct world *w)
{
    struct pollfd bell = { .fd = tls_bell_fd(w->tls), .events = POLLIN };
    eventfd_t count;
    cr_assert(eq(int, poll(&bell, 1, 20000), 1));
    cr_assert(eq(int, eventfd_read(bell.fd, &count), 0));
}

static void settle_with_worker(struct line *l)
{
    for (int i = 0; i < 10 && !l->up && !l->lower_closing; i++) {
        line_client(l);
        line_move(l, 0);
        world_turn(l->world, true);
        wait_for_worker(l->world);
        world_turn(l->world, true);
    }
    line_settle(l);
}

Test(tls, shakes_hands_on_a_thread_of_its_own)
{
    struct world *w = world_make(0, true);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct line *l = line_open(w, only(client_context(w, NULL), version));
        settle_with_worker(l);
        cr_assert(l->up != NULL);
        line_say(l, "question", 8);
        line_settle(l);
        cr_expect(line_got(l, "question"));
        reply(l, "answer", 6);
        line_settle(l);
        cr_expect(line_replied(l, "answer"));
        line_free(l);
    }
    world_close(w);
}

Test(tls, names_the_reason_that_the_thread_found)
{
    struct world *w = world_make(0, true);
    struct line *l = line_open(w, NULL);
    line_give(l, "PING\r\n", 6);
    settle_with_worker(l);
    cr_expect(strstr(w->failure, ":SSL routines::wrong version number") != NULL, "%s", w->failure);
    cr_expect(l->lower_gone);
    line_free(l);
    world_close(w);
}

Test(tls, forgets_a_connection_that_is_lost_while_the_thread_has_it)
{
    struct world *w = world_make(0, true);
    for (int i = 0; i < 20; i++) {
        struct line *l = line_open(w, client_context(w, NULL));
        line_client(l);
        line_move(l, 0);
        world_turn(w, false);
        line_free(l); // on_closed
        cr_expect(eq(u32, tls_opening_count(w->tls), 0));
        wait_for_worker(w);
        world_turn(w, false);
    }
    cr_expect(eq(u32, w->failures, 20));
    world_close(w);
}

Test(tls, takes_input_that_comes_while_the_thread_has_the_connection)
{
    struct world *w = world_make(0, true);
    struct line *l = line_open(w, client_context(w, NULL));
    char *hello;
    line_client(l);
    long size = BIO_get_mem_data(l->from_client, &hello);
    line_give(l, hello, 10);
    world_turn(w, false); // the thread has ten bytes
    line_give(l, hello + 10, (size_t)size - 10);
    (void)BIO_reset(l->from_client);
    for (int i = 0; i < 3; i++) {
        wait_for_worker(w);
        world_turn(w, false);
        line_client(l);
        if (BIO_pending(l->from_client)) break;
    }
    settle_with_worker(l);
    cr_expect(l->up != NULL);
    line_free(l);
    world_close(w);
}

Test(tls, closes_while_the_thread_is_at_work)
{
    enum { LINES = 100 };
    struct world *w = world_make(0, true);
    struct line *lines[LINES];
    for (int i = 0; i < LINES; i++) {
        lines[i] = line_open(w, client_context(w, NULL));
        line_client(lines[i]);
        line_move(lines[i], 0);
    }
    world_turn(w, false); // some are given, the others wait
    tls_close(w->tls);
    w->tls = NULL;
    for (int i = 0; i < LINES; i++) line_free(lines[i]);
    world_close(w);
}

Test(tls, serves_the_connected_while_the_thread_works_through_a_storm)
{
    enum { WAITING = 300 };
    struct world *w = world_make(0, true);
    struct line *connected = line_open(w, client_context(w, NULL)), *waiting[WAITING];
    settle_with_worker(connected);
    w->echo = true;
    for (int i = 0; i < WAITING; i++) {
        waiting[i] = line_open(w, client_context(w, NULL));
        line_client(waiting[i]);
        line_move(waiting[i], 0);
    }
    for (size_t turn = 1; tls_opening_count(w->tls); turn++) {
        line_say(connected, "x", 1);
        line_move(connected, 0);
        line_client(connected);
        cr_assert(eq(sz, connected->reply_size, turn));
        world_turn(w, true);
        for (int i = 0; i < WAITING; i++) {
            if (!BIO_pending(waiting[i]->to_client)) continue;
            line_client(waiting[i]);
            line_move(waiting[i], 0);
        }
        cr_assert(lt(sz, turn, (size_t)10000000));
    }
    for (int i = 0; i < WAITING; i++) {
        cr_expect(eq(u32, waiting[i]->opens, 1));
        line_free(waiting[i]);
    }
    line_free(connected);
    world_close(w);
}
