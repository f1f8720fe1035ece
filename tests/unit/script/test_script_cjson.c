// Expected replies are those of a real server.
#include "tests/unit/script/script_bench.h"

Test(script_cjson, encodes_and_decodes)
{
    static const struct bench_row rows[] = {
        { "return cjson.encode({1,2,3,[10]=1})",
          "$39\r\n[1,2,3,null,null,null,null,null,null,1]\r\n" },
        { "return cjson.encode({1,{2},{},{a=1},'x',1.5,true,cjson.null})",
          "$36\r\n[1,[2],{},{\"a\":1},\"x\",1.5,true,null]\r\n" },
        { "return cjson.encode({[1.5]=1})", "$9\r\n{\"1.5\":1}\r\n" },
        { "return cjson.decode('nan')", ":-9223372036854775808\r\n" },
        { "return cjson.decode(1)", ":1\r\n" },
        { "return cjson.decode('{\"a\":1}').a", ":1\r\n" },
        { "return cjson.decode('\"\\\\u00e9\\\\ud83d\\\\ude00\"')",
          "$6\r\n\303\251\360\237\230\200\r\n" },
        { "return cjson.decode('[1e5,-1.5,0x10,1E400]')",
          "*4\r\n:100000\r\n:-1\r\n:16\r\n:-9223372036854775808\r\n" },
        { "return tostring(cjson.decode('[null]')[1]==cjson.null)", "$4\r\ntrue\r\n" },
        { "return {cjson.encode_sparse_array()}", "*3\r\n$-1\r\n:2\r\n:10\r\n" },
        { "return cjson.encode_number_precision()", ":14\r\n" },
        { "return "
          "{tostring(cjson.encode_keep_buffer()),tostring(cjson.encode_invalid_numbers()),tostring("
          "cjson.decode_invalid_numbers())}",
          "*3\r\n$4\r\ntrue\r\n$5\r\nfalse\r\n$4\r\ntrue\r\n" },
        { "local r={} for k,v in pairs(cjson) do r[#r+1]=k..type(v) end table.sort(r) return r",
          "*13\r\n$11\r\n_NAMEstring\r\n$14\r\n_VERSIONstring\r\n$30\r\ndecode_invalid_"
          "numbersfunction\r\n$24\r\ndecode_max_depthfunction\r\n$14\r\ndecodefunction\r\n$"
          "30\r\nencode_invalid_numbersfunction\r\n$26\r\nencode_keep_bufferfunction\r\n$"
          "24\r\nencode_max_depthfunction\r\n$31\r\nencode_number_precisionfunction\r\n$"
          "27\r\nencode_sparse_arrayfunction\r\n$14\r\nencodefunction\r\n$11\r\nnewfunction\r\n$"
          "12\r\nnulluserdata\r\n" },
    };
    BENCH_ROWS(rows, 2);
}

Test(script_cjson, refuses_what_is_no_json_and_what_has_no_form_in_it)
{
    static const struct bench_row rows[] = {
        { "return cjson.decode('[1,{}')",
          "-ERR user_script:1: Expected comma or array end but found T_END at character 6 @1\r\n" },
        { "return cjson.encode({[1]=1,[100]=1})",
          "-ERR user_script:1: Cannot serialise table: excessively sparse array @1\r\n" },
        { "return cjson.encode({[1]=1,[1e9]=1})",
          "-ERR user_script:1: Cannot serialise table: excessively sparse array @1\r\n" },
        { "return cjson.encode(function() end)",
          "-ERR user_script:1: Cannot serialise function: type not supported @1\r\n" },
        { "return cjson.encode(redis)",
          "-ERR user_script:1: Cannot serialise function: type not supported @1\r\n" },
        { "return cjson.encode({a=redis})",
          "-ERR user_script:1: Cannot serialise function: type not supported @1\r\n" },
        { "return cjson.encode({[true]=1})", "-ERR user_script:1: Cannot serialise boolean: table "
                                             "key must be a number or string @1\r\n" },
        { "return cjson.encode(0/0)",
          "-ERR user_script:1: Cannot serialise number: must not be NaN or Inf @1\r\n" },
        { "return cjson.encode(1/0)",
          "-ERR user_script:1: Cannot serialise number: must not be NaN or Inf @1\r\n" },
        { "return cjson.encode()",
          "-ERR user_script:1: bad argument #1 to 'encode' (expected 1 argument) @1\r\n" },
        { "return cjson.encode(1,2)",
          "-ERR user_script:1: bad argument #1 to 'encode' (expected 1 argument) @1\r\n" },
        { "return cjson.decode({})",
          "-ERR user_script:1: bad argument #1 to 'decode' (string expected, got table) @1\r\n" },
        { "return cjson.decode('[1,2')",
          "-ERR user_script:1: Expected comma or array end but found T_END at character 5 @1\r\n" },
        { "return cjson.decode('')",
          "-ERR user_script:1: Expected value but found T_END at character 1 @1\r\n" },
        { "return cjson.decode('\"\\\\ud83d\"')",
          "-ERR user_script:1: Expected value but found invalid unicode escape code at character 2 "
          "@1\r\n" },
        { "return cjson.decode('\"\\\\uZZZZ\"')",
          "-ERR user_script:1: Expected value but found invalid unicode escape code at character 2 "
          "@1\r\n" },
    };
    BENCH_ROWS(rows, 2);
}
