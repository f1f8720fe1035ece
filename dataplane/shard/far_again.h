// far_again.h: far calls that come back, because slots have moved since they were sent.
//
// Source:  DESIGN "Shards"; cmd/slot_move.h
// Thread:  the sender's
//
// Each far call carries the placement's generation. A shard runs those of the present one only and
// returns all others, whatever their keys: the placement changes while all shards stand, so of the
// calls that a session has sent to a shard the first ones are run and the rest comes back, none is
// lost, and none is run twice or behind the back of an earlier one. The session executes nothing
// new before its list is empty (router.c). What came back keeps its place in the list and goes
// again in order: to another shard at once, for calls to one shard are run in their order; here, or
// with several shards held, only when nothing of the session is under way, and then alone. So
// commands about the same key keep their order across any number of moves.
#pragma once
#include <stdbool.h>

struct client;
struct far_call;
struct kept_request;
struct server;
struct session;
struct shard;

void far_came_back(struct session *session, struct far_call *f);
// What came back goes again, as far as may be.
void far_send_again(struct shard *s, struct session *session);
// struct server_ops.run_again: what c waited with is its next command. Of a proxy request may be
// NULL: the call as it was sent; else its sender is held.
void far_run_again(struct server *server, struct client *c, const struct kept_request *request);
// New commands have to wait: calls of another generation are under way.
bool far_again_must_wait(const struct shard *s, const struct session *session);
