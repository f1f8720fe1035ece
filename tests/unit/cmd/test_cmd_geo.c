// Replies were compared with redis-server 7.0.15 (tests/system/oracle_geo.py). Palermo and Catania
// are the command pages' example.
#include "tests/unit/cmd/zset_harness.h"

TestSuite(cmd_geo, .init = open_zsets, .fini = close_zsets);

static void sicily(void)
{
    harness_run(h, "geoadd s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
}

Test(cmd_geo, keeps_places_as_scores)
{
    EXPECT_REPLY(h, "geoadd s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", ":2\r\n");
    EXPECT_REPLY(h, "zscore s Palermo", "$16\r\n3479099956230698\r\n");
    EXPECT_REPLY(h, "geoadd s nx 1 1 Palermo", ":0\r\n");
    EXPECT_REPLY(h, "geoadd s xx ch 13 38 Palermo", ":1\r\n");
    EXPECT_REPLY(h, "geoadd s nx xx 1 1 a", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "geoadd s 1 1", "-ERR wrong number of arguments for 'geoadd' command\r\n");
    EXPECT_REPLY(h, "geoadd s 1 1 a 2", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "geoadd s 181 1 a",
                 "-ERR invalid longitude,latitude pair 181.000000,1.000000\r\n");
    EXPECT_REPLY(h, "geoadd s x 1 a", "-ERR value is not a valid float\r\n");
}

Test(cmd_geo, shows_places_and_distances)
{
    sicily();
    EXPECT_REPLY(h, "geodist s Palermo Catania", "$11\r\n166274.1516\r\n");
    EXPECT_REPLY(h, "geodist s Palermo Catania km", "$8\r\n166.2742\r\n");
    EXPECT_REPLY(h, "geodist s Palermo x", "$-1\r\n");
    EXPECT_REPLY(h, "geodist s Palermo Catania yd",
                 "-ERR unsupported unit provided. please use M, KM, FT, MI\r\n");
    EXPECT_REPLY(h, "geohash s Palermo x", "*2\r\n$11\r\nsqc8b49rny0\r\n$-1\r\n");
    EXPECT_REPLY(
        h, "geopos s Palermo x",
        "*2\r\n*2\r\n$20\r\n13.36138933897018433\r\n$20\r\n38.11555639549629859\r\n*-1\r\n");
    h->client.reply.version = 3;
    EXPECT_REPLY(h, "geopos s Palermo x",
                 "*2\r\n*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n_\r\n");
}

Test(cmd_geo, searches_circles_and_boxes)
{
    sicily();
    EXPECT_REPLY(h, "georadius s 15 37 200 km asc", "*2\r\n$7\r\nCatania\r\n$7\r\nPalermo\r\n");
    EXPECT_REPLY(h, "georadius s 15 37 100 km withdist withhash",
                 "*1\r\n*3\r\n$7\r\nCatania\r\n$7\r\n56.4413\r\n:3479447370796909\r\n");
    EXPECT_REPLY(h, "georadiusbymember_ro s Palermo 200 km desc",
                 "*2\r\n$7\r\nCatania\r\n$7\r\nPalermo\r\n");
    EXPECT_REPLY(h, "geosearch s fromlonlat 15 37 bybox 400 400 km asc count 1",
                 "*1\r\n$7\r\nCatania\r\n");
    EXPECT_REPLY(h, "geosearch s frommember Palermo byradius 1 m", "*1\r\n$7\r\nPalermo\r\n");
    EXPECT_REPLY(h, "geosearch none frommember Palermo byradius 1 m", "*0\r\n");
}

Test(cmd_geo, refuses_searches_that_make_no_sense)
{
    sicily();
    EXPECT_REPLY(h, "georadius s 15 37 x km", "-ERR need numeric radius\r\n");
    EXPECT_REPLY(h, "georadius s 15 37 -1 km", "-ERR radius cannot be negative\r\n");
    EXPECT_REPLY(h, "georadius_ro s 15 37 1 km store d", "-ERR syntax error\r\n");
    EXPECT_REPLY(h, "georadius s 15 37 1 km store d withdist",
                 "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and "
                 "WITHCOORD options\r\n");
    EXPECT_REPLY(h, "georadius s 15 37 1 km any",
                 "-ERR the ANY argument requires COUNT argument\r\n");
    EXPECT_REPLY(h, "georadius s 15 37 1 km count 0", "-ERR COUNT must be > 0\r\n");
    EXPECT_REPLY(h, "georadiusbymember s x 1 km",
                 "-ERR could not decode requested zset member\r\n");
    EXPECT_REPLY(h, "GEOSearch s byradius 1 km asc desc",
                 "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSearch\r\n");
    EXPECT_REPLY(h, "geosearch s fromlonlat 1 1 asc asc asc",
                 "-ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch\r\n");
}

// spec/aof.md chapter 4: GEOADD is a zadd to others.
Test(cmd_geo, tells_what_changed)
{
    EXPECT_CHANGE("GEOADD s CH 13.361389 38.115556 Palermo 0 0 o", 2, "z:zadd:s ",
                  "zadd s CH 3479099956230698 Palermo 3377699720527872 o;");
    EXPECT_CHANGE("geoadd s nx 1 1 Palermo", 0, "", "");
    EXPECT_CHANGE("georadius s 15 37 1000 km storedist d", 1, "z:georadiusstore:d ",
                  "georadius s 15 37 1000 km storedist d;");
    EXPECT_REPLY(h, "zrange d 0 -1", "*1\r\n$7\r\nPalermo\r\n");
    EXPECT_CHANGE("geosearchstore d s fromlonlat 5 5 byradius 9999 km", 2, "z:geosearchstore:d ",
                  "geosearchstore d s fromlonlat 5 5 byradius 9999 km;");
    EXPECT_CHANGE("geosearchstore d s fromlonlat 99 5 byradius 1 km", 1, "g:del:d ",
                  "geosearchstore d s fromlonlat 99 5 byradius 1 km;");
    EXPECT_CHANGE("geosearchstore d none fromlonlat 9 5 byradius 1 km", 0, "", "");
}

// A line of points along the equator, a hundredth of a degree apart.
static void fill_equator(uint32_t count)
{
    char command[128];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(command, sizeof command, "geoadd e %u.%02u 0 p%u", i / 100, i % 100, i);
        harness_run(h, command);
    }
}

Test(cmd_geo, searches_thousands_in_slices)
{
    struct harness_client *c = harness_client_open(h), *d = harness_client_open(h);
    fill_equator(3000);
    const char *wire = harness_run(h, "geosearch e fromlonlat 0 0 byradius 5000 km asc");
    cr_expect(eq(int, strncmp(wire, "*3000\r\n$2\r\np0\r\n$2\r\np1\r\n$2\r\np2\r\n", 31), 0));
    cr_expect(gt(u32, h->slices, 100));
    EXPECT_REPLY(h, "geosearch e fromlonlat 0 0 byradius 5000 km desc count 2",
                 "*2\r\n$5\r\np2999\r\n$5\r\np2998\r\n");
    EXPECT_REPLY(h, "geosearch e fromlonlat 29 0 byradius 5000 km count 1 any",
                 "*1\r\n$2\r\np0\r\n");
    cr_expect(send_only(c, "geosearchstore d e fromlonlat 0 0 byradius 5000 km"));
    cr_expect(send_only(d, "zcard d"));
    run_slices();
    EXPECT_SENT(c, ":3000\r\n");
    EXPECT_SENT(d, ":3000\r\n");
    harness_client_close(c);
    harness_client_close(d);
}
