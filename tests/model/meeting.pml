// meeting.pml: the rendezvous of shards (dataplane/shard/meeting.{h,c}), for spin.
//
// Three shards. Each arranges one rendezvous with any of the others, shard TWICE two at a time: asks,
// waits for the answers, takes the others in ascending order, runs its command, lets go. Patience may
// run out at any moment, unless PATIENT: then never. FOREVER: one after the other, without end.
// One step of a process here is one access to shared memory there; what a process does alone, or
// what only bookkeeping of this model needs, is part of the step beside it. A shard in a long
// command is one that makes no step for a while, which any interleaving has.
//
//   what has to hold                                how it is looked for
//   a command has its shards for itself, and they   assert, in run and at the end of stand
//     stand while it runs
//   nobody waits for what never comes; what is      no invalid end state: every shard ends in its
//     let go runs on                                  loop, with all rounds run
//   nobody stands for ever                          ltl stands_not_for_ever, with weak fairness
//   when nobody loses patience every command runs   ltl all_run, with weak fairness
//
// Faults, each a switch, that the check must find (check_model.py):
//   GRANT_BY_STORE      who stands says so with a store and then looks again whether it is wanted,
//                       instead of one compare and swap
//   NO_SECOND_LOOK      the same, and does not look
//   NO_OWN_PLACE        who waits for a lower shard does not let itself be taken
//   KEEPS_ON_GIVING_UP  who gives up lets go of the one that did not come, not of those that did
#define N 3
#ifdef TWICE // the shard that arranges two at a time
#define SLOTS 2
#define ROUNDS(shard) ((shard) == TWICE -> 2 : 1)
#else
#define SLOTS 1
#define ROUNDS(shard) 1
#endif
#define BIT(i) (1 << (i))
#define LOWEST(set) (((set) & 1) -> 0 : (((set) & 2) -> 1 : 2))
#define GRANT(shard, holder) grant[(shard) * N + (holder)]
#define SLOT(holder, k) ((holder) * SLOTS + (k))

// struct meeting_point: wanted, and what stands in grants: 0, 1 wanted, 2 stands.
byte wanted[N];
byte grant[N * N];
// Of each rendezvous: the shards it needs (0: free), and those that have not answered. Messages:
// asked[i] holds those that shard i has yet to answer.
byte needs[N * SLOTS];
byte unanswered[N * SLOTS];
byte asked[N];
byte rounds[N];
// What the assertions are about: 1 + index of whom a shard stands for; of whose command uses it.
byte stands[N];
byte used[N];

// One of those who want it; not executable while there is none.
inline choose_holder(me, h)
{
    if
    :: wanted[me] & BIT(0) -> h = 0
    :: wanted[me] & BIT(1) -> h = 1
    :: wanted[me] & BIT(2) -> h = 2
    fi
}

inline stand(me, h)
{
#if defined(GRANT_BY_STORE) || defined(NO_SECOND_LOOK)
    d_step { GRANT(me, h) = 2; stands[me] = h + 1 };
#ifndef NO_SECOND_LOOK
    if
    :: (wanted[me] & BIT(h)) == 0 ->
        if
        :: d_step { GRANT(me, h) == 2 -> GRANT(me, h) = 0 }
        :: else
        fi
    :: else
    fi;
#endif
    d_step { GRANT(me, h) != 2 -> assert(used[me] == 0); stands[me] = 0; h = 0 }
#else
    if
    :: d_step { GRANT(me, h) == 1 -> GRANT(me, h) = 2; stands[me] = h + 1 };
        d_step { GRANT(me, h) != 2 -> assert(used[me] == 0); stands[me] = 0; h = 0 }
    :: GRANT(me, h) != 1 -> h = 0
    fi
#endif
}

// The message to each of the shards that slot k needs.
inline ask(me, k)
{
    unanswered[SLOT(me, k)] = needs[SLOT(me, k)];
    i = 0;
    do
    :: i < N ->
        if
        :: needs[SLOT(me, k)] & BIT(i) -> asked[i] = asked[i] | BIT(SLOT(me, k))
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

// Shards of set, one after the other: first the bit, then the grant.
inline let_go(me, set)
{
    do
    :: d_step { set != 0 -> i = LOWEST(set); wanted[i] = wanted[i] & ~BIT(me) };
        d_step { GRANT(i, me) = 0; set = set & ~BIT(i); i = 0 }
    :: set == 0 -> break
    od
}

inline mark_used(me, set, from, to)
{
    d_step {
        i = 0;
        do
        :: i < N ->
            if
            :: set & BIT(i) -> assert(used[i] == from && stands[i] == me + 1); used[i] = to
            :: i == me -> assert(used[i] == from && stands[i] == 0); used[i] = to
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

proctype shard(byte me)
{
    byte i, k, h, held, stood;
end:
    do
    // a command comes that needs some of the others
    :: atomic {
        if
        :: rounds[me] < ROUNDS(me) && needs[SLOT(me, 0)] == 0 -> k = 0
#if SLOTS > 1
        :: rounds[me] < ROUNDS(me) && needs[SLOT(me, 0)] != 0 && needs[SLOT(me, 1)] == 0 -> k = 1
#endif
        fi;
#ifndef FOREVER
        rounds[me]++;
#endif
        if
        :: needs[SLOT(me, k)] = BIT((me + 1) % N)
        :: needs[SLOT(me, k)] = BIT((me + 2) % N)
        :: needs[SLOT(me, k)] = BIT((me + 1) % N) | BIT((me + 2) % N)
        fi;
        ask(me, k);
        k = 0
    }
    // answers: between two commands, as all of this loop
    :: d_step {
        asked[me] != 0 ->
        do
        :: i < N * SLOTS ->
            if
            :: asked[me] & BIT(i) -> unanswered[i] = unanswered[i] & ~BIT(me)
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        asked[me] = 0
    }
    :: atomic { choose_holder(me, h) };
        stand(me, h)
    // all have answered
    :: atomic {
        if
        :: needs[SLOT(me, 0)] && !unanswered[SLOT(me, 0)] -> k = 0
#if SLOTS > 1
        :: needs[SLOT(me, 1)] && !unanswered[SLOT(me, 1)] -> k = 1
#endif
        fi
    }
        do
        :: d_step { held != needs[SLOT(me, k)] -> i = LOWEST(needs[SLOT(me, k)] & ~held) };
            GRANT(i, me) = 1;
            d_step { wanted[i] = wanted[i] | BIT(me); held = held | BIT(i) };
            do
            :: d_step { GRANT(i, me) == 2 -> i = 0 }; break
#ifndef NO_OWN_PLACE
            :: atomic {
                i < me && !stood && wanted[me] != 0 -> choose_holder(me, h);
#ifndef PATIENT
                stood = 1 // once, then its patience is at an end
#endif
            };
                stand(me, h)
#endif
#ifndef PATIENT
            :: goto gave_up
#endif
            od
        :: held == needs[SLOT(me, k)] -> break
        od;
        mark_used(me, held, 0, me + 1);
        mark_used(me, held, me + 1, 0);
        needs[SLOT(me, k)] = 0;
    gave_up:
        stood = 0;
#ifdef KEEPS_ON_GIVING_UP
        if
        :: needs[SLOT(me, k)] != 0 -> held = BIT(i)
        :: else
        fi;
#endif
        let_go(me, held);
        atomic {
            if
            :: needs[SLOT(me, k)] != 0 -> ask(me, k)
            :: else
            fi;
            k = 0
        }
    od
}

init
{
    atomic { run shard(0); run shard(1); run shard(2) }
}

#ifdef LIVENESS
#ifdef PATIENT
#define RUN(shard) (rounds[shard] == ROUNDS(shard) && needs[SLOT(shard, 0)] == 0)
ltl all_run { <> (RUN(0) && RUN(1) && RUN(2)) }
#else
ltl stands_not_for_ever
{
    [] ((stands[0] != 0 -> <> (stands[0] == 0)) && (stands[1] != 0 -> <> (stands[1] == 0)) &&
        (stands[2] != 0 -> <> (stands[2] == 0)))
}
#endif
#endif
