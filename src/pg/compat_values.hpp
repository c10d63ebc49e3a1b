// What majors have not in common about values of types, as pg/compat.hpp for all else.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "fmgr.h"
#include "parser/parser.h"
#include "utils/typcache.h"
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#endif
}

namespace softdelete::pg::compat {

// From 16 on an input function of the server's says without an error that a text is no value of its type.
inline bool takes_text(FmgrInfo *input, char *text, Oid parameter) {
#if PG_VERSION_NUM >= 160000
    ErrorSaveContext context = {};
    context.type = T_ErrorSaveContext;
    Datum value = 0;
    return InputFunctionCallSafe(input, text, parameter, -1, reinterpret_cast<Node *>(&context), &value);
#else
    (void)input, (void)text, (void)parameter;
    return true;
#endif
}

// 19 has no other strings than standard ones.
inline bool are_strings_standard() {
#if PG_VERSION_NUM >= 190000
    return true;
#else
    return standard_conforming_strings;
#endif
}

// 19 can tell of volatile ones as well.
inline bool has_domain_constraints(Oid type) {
#if PG_VERSION_NUM >= 190000
    return DomainHasConstraints(type, nullptr);
#else
    return DomainHasConstraints(type);
#endif
}

} // namespace softdelete::pg::compat
