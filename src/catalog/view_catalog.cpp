// Finds the relations that have the names of our views, or that names of ours would meet, as the server looks a name up. Called
// where registration decides whether a view can be adopted and which names are free.
#include "catalog/view_catalog.hpp"

#include "pg/quote.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/reloptions.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include <cstring>

namespace softdelete::catalog {

namespace {

// What this transaction has changed is there to be seen.
Oid look_up(Oid schema, const std::string &name) {
    const std::string whole = pg::truncate_name(name);
    return pg::call([&] {
        CommandCounterIncrement();
        AcceptInvalidationMessages();
        return get_relname_relid(whole.c_str(), schema);
    });
}

// Plain server code: the options that its WITH (...) gave to a relation, DefElems with strings.
List *read_options(Oid relation) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple)) {
        return NIL;
    }
    bool is_null = false;
    Datum options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &is_null);
    List *list = is_null ? NIL : untransformRelOptions(options);
    ReleaseSysCache(tuple);
    return list;
}

} // namespace

bool has_relation(Oid schema, const std::string &name) {
    return OidIsValid(look_up(schema, name));
}

std::optional<ExistingRelation> find_relation(Oid schema, const std::string &name) {
    const Oid oid = look_up(schema, name);
    const char kind = OidIsValid(oid) ? pg::call([=] { return get_rel_relkind(oid); }) : '\0';
    if (kind == '\0') {
        return std::nullopt;
    }
    ExistingRelation relation = {oid, kind, false, "security_invoker = true"};
    ListCell *cell;
    foreach (cell, pg::call([=] { return read_options(oid); })) {
        auto *option = lfirst_node(DefElem, cell);
        if (strcmp(option->defname, "security_invoker") == 0) {
            relation.is_security_invoker = pg::call([=] { return defGetBoolean(option); });
        } else {
            relation.options += ", " + pg::quote_identifier(option->defname) + " = "
                                + pg::quote_literal(pg::call([=] { return defGetString(option); }));
        }
    }
    return relation;
}

bool is_include_deleted(Oid function) {
    return pg::call([=] {
        const char *name = get_func_name(function);
        return name != nullptr && strcmp(name, "include_deleted") == 0
               && get_func_namespace(function) == get_namespace_oid("softdelete", true);
    });
}

std::optional<StrayView> find_view_elsewhere(pg::Spi &spi, Oid table, const std::string &name) {
    auto rows =
        spi.query_kept("SELECT n.nspname, n.oid FROM pg_class t JOIN pg_depend d ON d.refobjid = t.oid"
                       " AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass"
                       " JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'"
                       " JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' AND v.relname = $2::name"
                       " AND v.relnamespace <> t.relnamespace AND v.relowner = t.relowner"
                       " JOIN pg_namespace n ON n.oid = v.relnamespace WHERE t.oid = $1::oid LIMIT 1",
                       {table, name});
    if (rows.empty()) {
        return std::nullopt;
    }
    return StrayView{*find_relation(rows.front().oid(1), name), rows.front().text(0)};
}

} // namespace softdelete::catalog
