// A type with an implicit cast to another one, as an enumeration that casts to text, has two operators of one name that fit: its
// own, for any enumeration, and that of the other type. A cast to a pseudo-type says nothing, so that no SQL names the first
// one; its function has a name of its own. Look-ups by keys and by unique indexes ask here.
#include "catalog/comparison.hpp"

#include "pg/boundary.hpp"
#include "pg/quote.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/value.h"
#include "parser/parse_oper.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace softdelete::catalog {

namespace {

struct Texts {
    const char *operation;
    const char *function; // null where the operator's name is enough
    const char *type;
};

// Does the operator's name, with its schema, stand for it?
bool is_named(Oid operator_id, const char *schema, const char *name, Oid type) {
    List *names = list_make2(makeString(pstrdup(schema)), makeString(pstrdup(name)));
    Operator found = oper(nullptr, names, type, type, true, -1);
    bool is_meant = found != nullptr && oprid(found) == operator_id;
    if (found != nullptr) {
        ReleaseSysCache(found);
    }
    return is_meant;
}

Texts find_texts(Oid operator_id, Oid type) {
    HeapTuple row = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator_id));
    if (!HeapTupleIsValid(row)) {
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                        errmsg("operator %u was dropped meanwhile", operator_id)));
    }
    const auto *form = reinterpret_cast<Form_pg_operator>(GETSTRUCT(row));
    const char *schema = get_namespace_name(form->oprnamespace);
    Texts texts = {psprintf("OPERATOR(%s.%s)", quote_identifier(schema), NameStr(form->oprname)), nullptr,
                   nullptr};
    // Operators of other types get operands that are cast to exactly these.
    if (get_typtype(form->oprleft) == TYPTYPE_PSEUDO && OidIsValid(type)
        && !is_named(operator_id, schema, NameStr(form->oprname), type)) {
        Oid function = form->oprcode;
        texts.function = quote_qualified_identifier(get_namespace_name(get_func_namespace(function)),
                                                    get_func_name(function));
        texts.type = pg::format_whole_type(getBaseType(type));
    }
    ReleaseSysCache(row);
    return texts;
}

} // namespace

std::string Comparison::of(const std::string &left, const std::string &right) const {
    return function.empty()
               ? left + " " + operation + " " + right
               : sqltext::format("%1%(CAST(%2% AS %4%), CAST(%3% AS %4%))", function, left, right, type);
}

Comparison find_comparison(Oid operator_id, Oid type) {
    Texts texts = pg::call([&] { return find_texts(operator_id, type); });
    return {texts.operation, texts.function == nullptr ? "" : texts.function,
            texts.type == nullptr ? "" : texts.type};
}

} // namespace softdelete::catalog
