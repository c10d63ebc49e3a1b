// Reads a table for registration: members, columns, foreign keys, triggers. The queries work on all supported versions
// and as any role. Commands on rows read catalog/table_info instead.
#include "catalog/table_catalog.hpp"
#include "sqltext/format.hpp"

#include "catalog/quoting.hpp"
#include "model/predicate.hpp"
#include "pg/compat.hpp"

namespace softdelete::catalog {

namespace {

std::vector<Member> find_members(pg::Spi &spi, Oid relation) {
    std::vector<Member> members;
    for (const pg::Row &row : spi.query_kept(
             "WITH RECURSIVE tree (oid, parent, depth) AS ("
             " SELECT $1::oid, 0::oid, 0"
             " UNION SELECT i.inhrelid, i.inhparent, t.depth + 1 FROM tree t JOIN pg_inherits i ON "
             "i.inhparent = t.oid)"
             " SELECT t.oid, t.parent, c.relname, n.nspname, c.relkind, c.relispartition, n.oid, "
             "c.relpersistence"
             " FROM (SELECT DISTINCT ON (oid) oid, parent, depth FROM tree ORDER BY oid, depth DESC) t"
             " JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace"
             " ORDER BY t.depth, n.nspname, c.relname",
             {relation})) {
        members.push_back({row.oid(0), row.oid(1), row.text(2), row.text(3), row.oid(6),
                           qualified_name(row.text(3), row.text(2)), row.text(4).front(), row.text(7).front(),
                           row.boolean(5)});
    }
    return members;
}

std::vector<Column> find_columns(pg::Spi &spi, Oid relation) {
    std::vector<Column> columns;
    for (const pg::Row &row : spi.query_kept(
             "SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), d.base_type,"
             " a.attnotnull OR d.is_not_null, d.has_default OR"
             " (SELECT true FROM pg_attrdef e WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum"
             "   AND pg_get_expr(e.adbin, e.adrelid) NOT LIKE 'NULL::%') IS NOT NULL,"
             " a.attgenerated <> '' OR a.attidentity <> '',"
             " (SELECT s.description FROM pg_description s WHERE s.objoid = a.attrelid"
             "  AND s.classoid = 'pg_class'::regclass AND s.objsubid = a.attnum)"
             " FROM pg_attribute a, LATERAL ("
             "  WITH RECURSIVE types AS ("
             "   SELECT t.* FROM pg_type t WHERE t.oid = a.atttypid"
             "   UNION ALL SELECT t.* FROM types u JOIN pg_type t ON t.oid = u.typbasetype WHERE u.typtype = "
             "'d')"
             "  SELECT coalesce(max(typname) FILTER (WHERE typtype = 'b' AND typnamespace = "
             "'pg_catalog'::regnamespace),"
             "    ''), bool_or(typnotnull), bool_or(typtype = 'd' AND typdefault IS NOT NULL) FROM types"
             " ) d (base_type, is_not_null, has_default)"
             " WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
             {relation})) {
        columns.push_back({static_cast<int>(row.number(0)), row.text(1), identifier(row.text(1)), row.text(2),
                           row.text(3), row.boolean(4), row.boolean(5), row.boolean(6), row.value(7)});
    }
    return columns;
}

} // namespace

std::vector<Oid> Table::member_oids() const {
    std::vector<Oid> oids;
    for (const Member &member : members) {
        oids.push_back(member.oid);
    }
    return oids;
}

const Member *Table::find_member(Oid oid) const {
    for (const Member &member : members) {
        if (member.oid == oid) {
            return &member;
        }
    }
    return nullptr;
}

const Column *Table::find_column(const std::string &wanted) const {
    for (const Column &column : columns) {
        if (column.name == wanted) {
            return &column;
        }
    }
    return nullptr;
}

const Member *Table::find_heir() const {
    for (const Member &member : members) {
        if (member.oid != oid && !member.is_partition) {
            return &member;
        }
    }
    return nullptr;
}

Table get_table_definition(pg::Spi &spi, Oid relation) {
    auto rows =
        spi.query_kept("SELECT c.relowner, c.relnamespace, n.nspname, c.relname, c.relkind, c.relpersistence,"
                       " c.relispartition, c.relrowsecurity"
                       " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid",
                       {relation});
    if (rows.empty()) {
        pg::raise({ERRCODE_UNDEFINED_TABLE,
                   "relation with OID " + std::to_string(relation) + " does not exist",
                   {},
                   "Give the name of a table."});
    }
    const pg::Row &row = rows.front();
    return {relation,
            row.oid(0),
            row.oid(1),
            row.text(2),
            row.text(3),
            qualified_name(row.text(2), row.text(3)),
            row.text(4).front(),
            row.text(5).front(),
            row.boolean(6),
            row.boolean(7),
            find_members(spi, relation),
            find_columns(spi, relation)};
}

std::vector<Oid> find_parents(pg::Spi &spi, Oid relation) {
    std::vector<Oid> parents;
    for (const pg::Row &row : spi.query_kept(
             "SELECT inhparent FROM pg_inherits WHERE inhrelid = $1::oid ORDER BY inhseqno", {relation})) {
        parents.push_back(row.oid(0));
    }
    return parents;
}

Oid get_partition_root(pg::Spi &spi, Oid relation) {
    return spi.query_kept("SELECT coalesce(pg_partition_root($1::oid)::oid, $1::oid)", {relation})
        .front()
        .oid(0);
}

sqltext::QualifiedName get_qualified_name(pg::Spi &spi, Oid relation) {
    const std::vector<pg::Row> rows = spi.query_kept(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.oid = $1::oid",
        {relation});
    if (rows.empty()) {
        pg::raise({.sqlstate = ERRCODE_UNDEFINED_TABLE,
                   .message = sqltext::format("relation with OID %1% does not exist", relation)});
    }
    return qualified_name(rows.front().text(0), rows.front().text(1));
}

namespace {

bool has_trigger_of(pg::Spi &spi, Oid relation, const char *function) {
    pg::OwnerScope owner(pg::get_extension_owner());
    return spi
        .query("SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = $1::oid AND tgfoid = $2::regproc)",
               {relation, function})
        .front()
        .boolean(0);
}

} // namespace

bool has_marker(pg::Spi &spi, Oid relation) {
    return has_trigger_of(spi, relation, "softdelete_internal.on_delete");
}

bool is_guarded(pg::Spi &spi, Oid relation) {
    return has_trigger_of(spi, relation, "softdelete_internal.on_kept_table");
}

bool has_statistics(pg::Spi &spi, const Member &table, const std::vector<std::string> &columns) {
    // Of an empty table there is nothing to know.
    if (spi.query_kept("SELECT FROM pg_partition_tree($1::oid) t WHERE pg_relation_size(t.relid) > 0"
                       " UNION ALL SELECT WHERE pg_relation_size($1::oid) > 0",
                       {table.oid})
            .empty()) {
        return true;
    }
    for (const std::string &column : columns) {
        if (spi.query_kept("SELECT FROM pg_stats WHERE schemaname = $1::name AND tablename = $2::name"
                           " AND attname = $3::name",
                           {table.schema, table.name, column})
                .empty()) {
            return false;
        }
    }
    return true;
}

std::vector<PrimaryKeyColumn> find_primary_key_columns(pg::Spi &spi, Oid relation) {
    std::vector<PrimaryKeyColumn> columns;
    for (const pg::Row &row : spi.query_kept(
             "SELECT a.attname, a.atttypid = 'uuid'::regtype OR a.attidentity <> '' OR EXISTS (SELECT FROM"
             " pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND pg_get_expr(d.adbin, "
             "d.adrelid)"
             " ~ '[(]'),"
             " a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype),"
             " EXISTS (SELECT FROM pg_partitioned_table t WHERE t.partrelid = a.attrelid AND a.attnum = ANY "
             "(t.partattrs)),"
             " EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = p.conrelid"
             "  AND a.attnum = ANY (k.conkey))"
             " FROM pg_constraint p JOIN pg_attribute a ON a.attrelid = p.conrelid AND a.attnum = ANY "
             "(p.conkey)"
             " WHERE p.contype = 'p' AND p.conrelid = $1::oid ORDER BY array_position(p.conkey, a.attnum)",
             {relation})) {
        columns.push_back({row.text(0), row.boolean(1), row.boolean(2), row.boolean(3), row.boolean(4)});
    }
    return columns;
}

std::vector<OwnForeignKey> find_own_foreign_keys(pg::Spi &spi, Oid relation) {
    std::vector<OwnForeignKey> keys;
    const std::string query = sqltext::format(
        "SELECT k.conname, k.conkey::text[], array_agg(a.attname::text ORDER BY u.position), k.oid, "
        "k.confrelid, k.confdeltype = 'c', k.confdeltype IN ('n', 'd'), %1%"
        " FROM pg_constraint k, unnest(k.conkey) WITH ORDINALITY u (attnum, position), pg_attribute a"
        " WHERE k.contype = 'f' AND k.conrelid = $1::oid AND a.attrelid = k.conrelid"
        " AND a.attnum = u.attnum"
        // A key that references a partitioned table has one more for each partition of that.
        " AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = k.conparentid AND p.conrelid = "
        "k.conrelid)"
        " GROUP BY k.oid, k.conname, k.conkey, k.confrelid ORDER BY k.conname, k.oid",
        pg::compat::enforced_condition);
    for (const pg::Row &row : spi.query_kept(query, {relation})) {
        std::vector<int> numbers;
        for (const std::string &number : row.array(1)) {
            numbers.push_back(std::stoi(number));
        }
        std::string joined;
        std::vector<sqltext::Identifier> names;
        for (const std::string &name : row.array(2)) {
            joined += (joined.empty() ? "" : "_") + name;
            names.push_back(identifier(name));
        }
        keys.push_back({row.oid(3), row.oid(4), row.text(0), numbers, joined, sqltext::list(names),
                        row.boolean(5), row.boolean(6), row.boolean(7)});
    }
    return keys;
}

namespace {

// A definition as pg_get_triggerdef() writes it, taken apart.
struct TriggerText {
    std::string head;
    std::string condition;
    sqltext::Expression call;
};

TriggerText take_apart(const std::string &definition) {
    const std::string execute = " EXECUTE FUNCTION ";
    const std::string when = " WHEN (";
    std::size_t end = definition.rfind(execute);
    std::size_t condition = definition.find(when);
    sqltext::Expression call(definition.substr(end + execute.size()));
    if (condition == std::string::npos || condition > end) {
        return {definition.substr(0, end), "", call};
    }
    std::size_t start = condition + when.size();
    return {definition.substr(0, condition), definition.substr(start, end - 1 - start), call};
}

std::optional<sqltext::Expression> make_head(const TriggerText &text, bool is_replaceable) {
    const std::string create = "CREATE ";
    if (!is_replaceable) {
        return std::nullopt;
    }
    return sqltext::Expression("CREATE OR REPLACE " + text.head.substr(create.size()));
}

constexpr const char *is_replaceable =
    "t.tgtype::int & 1 <> 0 AND t.tgtype::int & 4 = 0 AND t.tgconstraint = 0";

constexpr const char *enabling =
    "CASE WHEN t.tgenabled IN ('A', 'R') THEN (SELECT format('; ALTER TABLE %I.%I ENABLE %s TRIGGER %I', "
    "n.nspname, c.relname,"
    " CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END, t.tgname)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = t.tgrelid) ELSE '' END";

} // namespace

std::vector<DeleteTrigger> find_delete_triggers(pg::Spi &spi, Oid relation, const std::string &deleted_at) {
    std::vector<DeleteTrigger> triggers;
    pg::OwnerScope owner(pg::get_extension_owner());
    std::string query = sqltext::format(
        "SELECT t.tgname, t.tgtype::int & 1 <> 0, t.tgtype::int & 2 <> 0, pg_get_triggerdef(t.oid),"
        " t.tgtype::int & 16 <> 0 AND t.tgattr = '', %1%,"
        " (SELECT pg_get_triggerdef(i.oid) FROM pg_trigger i WHERE i.tgrelid = t.tgrelid"
        "  AND NOT i.tgisinternal AND i.tgtype::int & 5 = 5 AND i.tgtype::int & 2 = t.tgtype::int & 2"
        "  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e'"
        "  AND d.classid = 'pg_proc'::regclass AND d.objid = i.tgfoid)"
        "  ORDER BY i.oid <> t.oid, i.tgtype::int & 8 <> 0, i.tgname LIMIT 1),"
        " t.tgoldtable IS NOT NULL OR t.tgnewtable IS NOT NULL,"
        " t.tgtype::int & 3 = 3 AND EXISTS (SELECT FROM pg_proc f WHERE f.oid = t.tgfoid"
        "  AND f.prosrc ~* 'update\\s.*\\mset\\M.*return\\s+null' AND f.prosrc !~* 'return\\s+(old|new)'),"
        " EXISTS (SELECT FROM pg_trigger u JOIN pg_attribute a ON a.attrelid = u.tgrelid AND a.attname = "
        "$2::name"
        "  WHERE u.tgrelid = t.tgrelid AND u.oid <> t.oid AND u.tgfoid = t.tgfoid AND u.tgargs = t.tgargs"
        "  AND u.tgtype::int & 19 = t.tgtype::int & 3 | 16 AND a.attnum = ANY (u.tgattr)), %2%"
        " FROM pg_trigger t WHERE t.tgrelid = $1::oid AND NOT t.tgisinternal AND t.tgtype::int & 8 <> 0 AND "
        "t.tgenabled <> 'D'"
        " AND t.tgparentid = 0 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e'"
        " AND d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid AND d.refclassid = "
        "'pg_extension'::regclass AND d.refobjid ="
        " (SELECT e.oid FROM pg_extension e WHERE e.extname = 'softdelete')) ORDER BY t.tgname",
        is_replaceable, enabling);
    const std::string is_live = sqltext::expression("(old.%1% IS NULL)", identifier(deleted_at)).text();
    for (const pg::Row &row : spi.query_kept(query, {relation, deleted_at})) {
        TriggerText text = take_apart(row.text(3));
        std::optional<sqltext::Expression> insert_call;
        if (!row.is_null(6)) {
            insert_call = take_apart(row.text(6)).call;
        }
        triggers.push_back({row.text(0), row.boolean(1), row.boolean(2), row.boolean(4), row.boolean(7),
                            row.boolean(8), text.call, make_head(text, row.boolean(5)), text.condition,
                            insert_call, row.text(10),
                            row.boolean(9) || model::has_condition(text.condition, is_live)});
    }
    return triggers;
}

std::vector<UpdateTrigger> find_update_triggers(pg::Spi &spi, Oid relation, const std::string &deleted_at) {
    std::vector<UpdateTrigger> triggers;
    std::string query = sqltext::format(
        "SELECT t.tgname, pg_get_triggerdef(t.oid), %1% AND t.tgtype::int & 8 = 0, %2%"
        " FROM pg_trigger t WHERE t.tgrelid = $1::oid AND NOT t.tgisinternal AND t.tgtype::int & 16 <> 0 AND "
        "t.tgenabled <> 'D'"
        " AND t.tgattr = '' AND (t.tgtype::int & 2 <> 0 OR t.tgconstraint <> 0) AND t.tgparentid = 0"
        " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e'"
        " AND d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid) ORDER BY t.tgname",
        is_replaceable, enabling);
    for (const pg::Row &row : spi.query_kept(query, {relation})) {
        TriggerText text = take_apart(row.text(1));
        if (text.condition.find(deleted_at) == std::string::npos) {
            triggers.push_back(
                {row.text(0), make_head(text, row.boolean(2)), text.condition, text.call, row.text(3)});
        }
    }
    return triggers;
}

} // namespace softdelete::catalog
