// Quoting by the server's own rules, and its way of making names for objects.
#pragma once

#include "pg/boundary.hpp"

extern "C" {
#include "datatype/timestamp.h"
}

#include <string>

namespace softdelete::pg {

// A name as it has to be written in SQL, and as quote_ident() gives it to our own queries: whatever quote_all_identifiers
// says, for names are compared.
std::string quote_identifier(const std::string &name);

// A text as a string constant.
std::string quote_literal(const std::string &value);

// A time as every session reads it, whatever TimeZone and DateStyle say: ISO, in UTC; as a timestamp too. Unquoted.
std::string write_time(TimestampTz time);

// Reads such a text, or one that was written by ExactTextScope, back. Errors: the server's own for what is no time.
TimestampTz read_time(const std::string &text);

// A type as CAST takes it for values of any length, with its schema: format_type_be_qualified() says character, which is
// character(1), where this says bpchar. Plain server code, in the memory context in force.
char *format_whole_type(Oid type);

// The name that core would give: name1_name2_label, either part left out where empty, shortened to fit NAMEDATALEN at a
// character's boundary.
std::string make_object_name(const std::string &name1, const std::string &name2, const std::string &label);

// A name cut at a character's boundary so that it fits NAMEDATALEN.
std::string truncate_name(const std::string &name);

} // namespace softdelete::pg
