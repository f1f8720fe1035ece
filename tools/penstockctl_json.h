// penstockctl_json.h: bytes of any kind as JSON.
//
// Source:  RFC 8259 section 7 (strings), RFC 3629 (UTF-8), RFC 4648 section 4 (base64)
// Thread:  one
// Memory:  nothing is kept
#pragma once
#include <stdio.h>
#include "dataplane/base/bytes.h"

// A string when the text is UTF-8, else {"base64":"..."}.
void json_text(FILE *to, struct bytes text);
// A number; infinities, which JSON has not, as the strings "inf" and "-inf".
void json_double(FILE *to, double value);
