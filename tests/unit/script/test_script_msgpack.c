// Expected replies are those of a real server.
#include "tests/unit/script/script_bench.h"

Test(script_msgpack, packs_and_unpacks)
{
    static const struct bench_row rows[] = {
        { "return cmsgpack.unpack('')", "$-1\r\n" },
        { "return cmsgpack.unpack(1)", ":49\r\n" },
        { "return {cmsgpack.unpack_one('\\1\\2\\3',0)}", "*2\r\n:1\r\n:1\r\n" },
        { "return {cmsgpack.unpack_one('\\1\\2\\3',1)}", "*2\r\n:2\r\n:2\r\n" },
        { "return {cmsgpack.unpack_one('\\1\\2\\3',2)}", "*2\r\n:-1\r\n:3\r\n" },
        { "return {cmsgpack.unpack_one('\\1\\2\\3',3)}", "*1\r\n:-1\r\n" },
        { "return {cmsgpack.unpack_one('\\1\\2\\3')}", "*2\r\n:1\r\n:1\r\n" },
        { "return {cmsgpack.unpack_one('')}", "*1\r\n:-1\r\n" },
        { "return {cmsgpack.unpack_one('\\1\\2\\3',0,5,6)}", "*2\r\n:1\r\n:1\r\n" },
        { "return {cmsgpack.unpack_limit('\\1\\2\\3',2)}", "*3\r\n:2\r\n:1\r\n:2\r\n" },
        { "return {cmsgpack.unpack_limit('\\1\\2\\3',2,1)}", "*3\r\n:-1\r\n:2\r\n:3\r\n" },
        { "return {cmsgpack.unpack_limit('\\1\\2\\3',0)}", "*3\r\n:1\r\n:2\r\n:3\r\n" },
        { "return {cmsgpack.unpack_limit('\\1\\2\\3',0,1)}", "*1\r\n:1\r\n" },
        { "return {cmsgpack.unpack_limit('\\1\\2\\3',5)}", "*4\r\n:-1\r\n:1\r\n:2\r\n:3\r\n" },
        { "return {cmsgpack.unpack('\\1\\2\\3')}", "*3\r\n:1\r\n:2\r\n:3\r\n" },
        { "return {cmsgpack.unpack('\\1\\2\\3',5)}", "*3\r\n:1\r\n:2\r\n:3\r\n" },
        { "return cmsgpack.pack(function() end, nil, cjson.null, true, 1.5, 0.1, -1, -33, -129, "
          "2^31, 2^32, 2^53, 2^63, 2^64, -2^63, 1/0, -1/0, 127,128,255,256,65535,65536)",
          "$92\r\n\300\300\300\303\312?\30000\313?"
          "\271\231\231\231\231\231\232\377\320\337\321\377\177\316\200000\317000\0010000\3170 "
          "000000\312_000\312_"
          "\20000\323\2000000000\312\177\20000\312\377\20000\177\314\200\314\377\315\0010\315\377"
          "\377\3160\00100\r\n" },
        { "return "
          "cmsgpack.pack(0/"
          "0,1e-50,1e200,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-0.0)",
          "$58\r\n\313\377\370000000\3135\215\356zJ\324\270\037\313it\347\030\327\327bZ\340\320\337"
          "\320\200\321\377\177\321\2000\322\377\377\177\377\322\200000\323\377\377\377\377\177\377"
          "\377\3770\r\n" },
        { "return "
          "cmsgpack.pack({},{1},{1,2,nil,4},{[2]=1},{[1]=1,[3]=3},{['1']=1},{1,a=2},{[1.5]=1},{[0]="
          "1},{[-1]=1})",
          "$41\r\n\220\221\001\203\001\001\002\002\004\004\201\002\001\202\001\001\003\003\201\2411"
          "\001\202\001\001\241a\002\201\312?\30000\001\2010\001\201\377\001\r\n" },
        { "return cmsgpack.pack(redis):sub(1,3)", "$3\r\n\3360\027\r\n" },
        { "return "
          "{cmsgpack.unpack('\\202\\63\\128\\0\\0'),cmsgpack.unpack('"
          "\\203\\63\\240\\0\\0\\0\\0\\0\\0'),cmsgpack.unpack('"
          "\\207\\255\\255\\255\\255\\255\\255\\255\\255'),cmsgpack.unpack('"
          "\\211\\255\\255\\255\\255\\255\\255\\255\\255')}",
          "*4\r\n:1\r\n:1\r\n:-1\r\n:-1\r\n" },
        { "local r={} for k,v in pairs(cmsgpack) do r[#r+1]=k..tostring(type(v)=='string' and v) "
          "end table.sort(r) return r",
          "*8\r\n$50\r\n_COPYRIGHTCopyright (C) 2012, Salvatore "
          "Sanfilippo\r\n$48\r\n_DESCRIPTIONMessagePack C implementation for "
          "Lua\r\n$13\r\n_NAMEcmsgpack\r\n$26\r\n_VERSIONlua-cmsgpack "
          "0.4.0\r\n$9\r\npackfalse\r\n$17\r\nunpack_limitfalse\r\n$15\r\nunpack_onefalse\r\n$"
          "11\r\nunpackfalse\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

Test(script_msgpack, refuses_bad_data_and_arguments)
{
    static const struct bench_row rows[] = {
        { "return cmsgpack.unpack('\\193')",
          "-ERR user_script:1: Bad data format in input. @1\r\n" },
        { "return cmsgpack.unpack('\\217')", "-ERR user_script:1: Missing bytes in input. @1\r\n" },
        { "return cmsgpack.unpack('\\221\\255\\255\\255\\255')",
          "-ERR user_script:1: Missing bytes in input. @1\r\n" },
        { "return cmsgpack.unpack('\\199\\1\\1\\1')",
          "-ERR user_script:1: Bad data format in input. @1\r\n" },
        { "return cmsgpack.unpack()", "-ERR user_script:1: bad argument #1 to 'unpack' (string "
                                      "expected, got no value) @1\r\n" },
        { "return cmsgpack.unpack({})",
          "-ERR user_script:1: bad argument #1 to 'unpack' (string expected, got table) @1\r\n" },
        { "return cmsgpack.pack()",
          "-ERR user_script:1: bad argument #0 to 'pack' (MessagePack pack needs input.) @1\r\n" },
        { "return cmsgpack.unpack_one('\\1\\2\\3',-1)",
          "-ERR user_script:1: Invalid request to unpack with offset of -1 and limit of 3. "
          "@1\r\n" },
        { "return {cmsgpack.unpack_one('\\1\\2\\3',4)}",
          "-ERR user_script:1: Start offset 4 greater than input length 3. @1\r\n" },
        { "return {cmsgpack.unpack_one({},0)}",
          "-ERR user_script:1: bad argument #1 to 'unpack_one' (string expected, got table) "
          "@1\r\n" },
        { "return {cmsgpack.unpack_limit('\\1\\2\\3',-1)}",
          "-ERR user_script:1: Invalid request to unpack with offset of 0 and limit of 3. @1\r\n" },
        { "return {cmsgpack.unpack_limit('\\1\\2\\3')}",
          "-ERR user_script:1: bad argument #2 to 'unpack_limit' (number expected, got no value) "
          "@1\r\n" },
        { "return {cmsgpack.unpack_limit('\\1\\2\\3',2,-1)}",
          "-ERR user_script:1: Invalid request to unpack with offset of -1 and limit of 3. "
          "@1\r\n" },
        { "return {cmsgpack.unpack('\\1\\2\\205')}",
          "-ERR user_script:1: Missing bytes in input. @1\r\n" },
        { "return {cmsgpack.unpack('\\196\\1a')}",
          "-ERR user_script:1: Bad data format in input. @1\r\n" },
        { "return {cmsgpack.unpack('\\129\\192\\1')}", "-ERR table index is nil @1\r\n" },
        { "return cmsgpack.unpack('\\129\\203\\127\\248\\0\\0\\0\\0\\0\\0\\1')",
          "-ERR table index is NaN @1\r\n" },
    };
    BENCH_ROWS(rows, 2);
}
