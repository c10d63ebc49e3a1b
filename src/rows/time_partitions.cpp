// A partition is made beside the table and attached then, which lets DELETEs and readers of the table go on; CREATE TABLE
// ... PARTITION OF would lock them out. Whoever comes second waits for the first and finds the partition.
#include "rows/time_partitions.hpp"

#include "catalog/quoting.hpp"
#include "pg/scopes.hpp"
#include "session/utility_commands.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
}

#include <algorithm>
#include <optional>
#include <utility>

namespace softdelete::rows {

namespace {

// Where a time lies among the bounds of a table.
struct Place {
    Oid partition; // InvalidOid: between partitions, or beyond them
    TimestampTz gap_from;
    TimestampTz gap_to;
    model::TimePeriod newest; // empty where there is none
};

void check_partitioning(Relation table) {
    PartitionKey key =
        table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? RelationGetPartitionKey(table) : nullptr;
    if (key == nullptr || key->strategy != PARTITION_STRATEGY_RANGE || key->partnatts != 1
        || key->parttypid[0] != TIMESTAMPTZOID) {
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("table \"%s\" is not partitioned by ranges of one column of type timestamptz",
                               RelationGetRelationName(table)),
                        errtable(table)));
    }
}

// The bound as a time; beyond all times for MINVALUE and MAXVALUE.
TimestampTz get_bound(PartitionBoundInfo bounds, int number) {
    if (bounds->kind != nullptr && bounds->kind[number][0] == PARTITION_RANGE_DATUM_MINVALUE) {
        return DT_NOBEGIN;
    }
    if (bounds->kind != nullptr && bounds->kind[number][0] == PARTITION_RANGE_DATUM_MAXVALUE) {
        return DT_NOEND;
    }
    return DatumGetTimestampTz(bounds->datums[number][0]);
}

model::TimePeriod get_newest(PartitionBoundInfo bounds) {
    for (int i = bounds->ndatums - 1; i > 0; i--) {
        model::TimePeriod period = {get_bound(bounds, i - 1), get_bound(bounds, i)};
        if (bounds->indexes[i] >= 0 && !TIMESTAMP_IS_NOBEGIN(period.from) && !TIMESTAMP_IS_NOEND(period.to)) {
            return period;
        }
    }
    return {0, 0};
}

Place find_place(Relation table, TimestampTz time) {
    check_partitioning(table);
    Place place = {InvalidOid, DT_NOBEGIN, DT_NOEND, {0, 0}};
    PartitionKey key = RelationGetPartitionKey(table);
    PartitionDesc partitions = RelationGetPartitionDesc(table, true);
    PartitionBoundInfo bounds = partitions->boundinfo;
    if (bounds == nullptr) {
        return place;
    }
    Datum value = TimestampTzGetDatum(time);
    bool is_equal = false;
    int number =
        partition_range_datum_bsearch(key->partsupfunc, key->partcollation, bounds, 1, &value, &is_equal);
    int index = bounds->indexes[number + 1];
    place.partition = index >= 0 ? partitions->oids[index] : InvalidOid;
    place.gap_from = number >= 0 ? get_bound(bounds, number) : DT_NOBEGIN;
    place.gap_to = number + 1 < bounds->ndatums ? get_bound(bounds, number + 1) : DT_NOEND;
    place.newest = get_newest(bounds);
    return place;
}

Place find_place(Oid table, TimestampTz time) {
    Relation opened = table_open(table, RowExclusiveLock);
    Place place = find_place(opened, time);
    table_close(opened, NoLock);
    return place;
}

model::PeriodWidth get_width(const Place &place) {
    return place.newest.from == place.newest.to ? model::PeriodWidth::month
                                                : model::get_nearest_width(place.newest);
}

struct BoundedPartition {
    Oid relation;
    model::TimePeriod period;
};

struct BoundedPartitions {
    const BoundedPartition *first;
    int count;
};

// All of them; the default one with all times.
BoundedPartitions list_partitions(Oid table) {
    Relation opened = table_open(table, AccessShareLock);
    check_partitioning(opened);
    PartitionDesc partitions = RelationGetPartitionDesc(opened, true);
    PartitionBoundInfo bounds = partitions->boundinfo;
    auto *found =
        static_cast<BoundedPartition *>(palloc(sizeof(BoundedPartition) * Max(partitions->nparts, 1)));
    int count = 0;
    for (int i = 0; bounds != nullptr && i <= bounds->ndatums; i++) {
        if (bounds->indexes[i] >= 0) {
            found[count++] = {partitions->oids[bounds->indexes[i]],
                              {i > 0 ? get_bound(bounds, i - 1) : DT_NOBEGIN,
                               i < bounds->ndatums ? get_bound(bounds, i) : DT_NOEND}};
        }
    }
    if (bounds != nullptr && bounds->default_index >= 0) {
        found[count++] = {partitions->oids[bounds->default_index], {DT_NOBEGIN, DT_NOEND}};
    }
    table_close(opened, NoLock);
    return {found, count};
}

// The triggers of whole statements that the table has itself: they fire for the table that a statement names.
constexpr const char *triggers_query = R"(
    SELECT pg_catalog.quote_ident(t.tgname), pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled = 'A',
           pg_catalog.format(' ON %I.%I ', n.nspname, c.relname),
           EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
                   AND d.objid = t.oid AND d.deptype = 'x')
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE t.tgrelid = $1::pg_catalog.oid AND NOT t.tgisinternal AND t.tgtype & 1 = 0
    ORDER BY t.tgname)";

constexpr const char *table_query = R"(
    SELECT n.nspname, c.relname, c.relowner, c.relrowsecurity, c.relreplident = 'f',
           pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)),
           pg_catalog.has_schema_privilege(c.relowner, n.oid, 'USAGE')
           AND pg_catalog.has_schema_privilege(c.relowner, n.oid, 'CREATE')
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = $1::pg_catalog.oid)";

constexpr const char *grantees_query = R"(
    SELECT DISTINCT CASE x.grantee WHEN 0 THEN 'PUBLIC'
                    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END
    FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
    WHERE c.oid = pg_catalog.to_regclass($1) AND x.grantee <> c.relowner)";

std::string choose_name(pg::Spi &spi, Oid table, const std::string &name, const model::TimePeriod &period) {
    for (int number = 0;; number++) {
        std::string chosen =
            pg::make_object_name(name, model::get_label(period), number == 0 ? "" : std::to_string(number));
        if (!is_name_taken(spi, table, chosen)) {
            return chosen;
        }
    }
}

// Keeps the extension there until the transaction ends: DROP EXTENSION looks for what depends on it before it locks tables.
// First writers of several tables do not meet there.
Oid lock_extension() {
    Oid extension = get_extension_oid("softdelete", false);
    LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
    if (get_extension_oid("softdelete", true) != extension) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("extension \"%s\" was dropped meanwhile", "softdelete"),
                        errdetail("The row had to go to a partition that is not there yet."),
                        errhint("Run the statement again.")));
    }
    return extension;
}

// What ALTER TRIGGER ... DEPENDS ON EXTENSION does, without its lock on the extension, which is for one alone.
void tie_to_extension(pg::Spi &spi, const std::string &partition, const std::string &trigger) {
    Oid found = spi.query("SELECT oid FROM pg_catalog.pg_trigger WHERE tgrelid = $1::pg_catalog.regclass AND "
                          "pg_catalog.quote_ident(tgname) = $2",
                          {partition, trigger})
                    .front()
                    .oid(0);
    pg::call([&] {
        ObjectAddress dependent = {TriggerRelationId, found, 0};
        ObjectAddress extension = {ExtensionRelationId, lock_extension(), 0};
        recordDependencyOn(&dependent, &extension, DEPENDENCY_AUTO_EXTENSION);
    });
}

void copy_triggers(pg::Spi &spi, Oid table, const std::string &partition) {
    for (const pg::Row &row : spi.query(triggers_query, {table})) {
        std::string definition = row.text(1);
        const std::string on = row.text(3);
        // The table's name is the first that stands there: before it come a name and key words.
        const std::size_t place = definition.find(on, definition.find(row.text(0)) + row.text(0).size());
        definition.replace(place, on.size(), " ON " + partition + " ");
        spi.execute(definition);
        if (row.boolean(2)) {
            spi.execute(sqltext::format("ALTER TABLE %1% ENABLE ALWAYS TRIGGER %2%", partition, row.text(0)));
        }
        if (row.boolean(4)) { // ours
            tie_to_extension(spi, partition, row.text(0));
        }
    }
}

// As the table's owner, in a security-restricted operation: event triggers of users may look on. Where the owner may not
// create tables in the schema any more the extension's owner does it for him: a write does not fail for want of a place.
void create_partition(pg::Spi &spi, Oid table, const model::TimePeriod &period) {
    const pg::Row facts = spi.query(table_query, {table}).front();
    const std::string name = catalog::qualified_name(facts.text(0), facts.text(1)).text();
    const std::string partition =
        catalog::qualified_name(facts.text(0), choose_name(spi, table, facts.text(1), period)).text();
    const bool may_create = facts.boolean(6);
    pg::UserScope creator(may_create ? facts.oid(2) : pg::get_extension_owner());
    pg::SettingScope settings;
    settings.set("default_tablespace", "");
    settings.set("default_table_access_method", "heap");
    session::OwnDdlScope own_ddl;
    spi.execute(sqltext::format("CREATE TABLE %1% (LIKE %2% INCLUDING STORAGE INCLUDING COMPRESSION)",
                                partition, name));
    if (!may_create) {
        spi.execute(sqltext::format("ALTER TABLE %1% OWNER TO %2%", partition, facts.text(5)));
    }
    revoke_grants(spi, partition);
    copy_triggers(spi, table, partition);
    if (facts.boolean(3)) {
        spi.execute(sqltext::format("ALTER TABLE %1% ENABLE ROW LEVEL SECURITY", partition));
    }
    if (facts.boolean(4)) {
        spi.execute(sqltext::format("ALTER TABLE %1% REPLICA IDENTITY FULL", partition));
    }
    spi.execute(sqltext::format("ALTER TABLE %1% ATTACH PARTITION %2% FOR VALUES FROM (%3%) TO (%4%)", name,
                                partition, pg::quote_literal(pg::write_time(period.from)),
                                pg::quote_literal(pg::write_time(period.to))));
}

// The partition that holds the time, made where none does. The table is looked at again once nobody else can make one.
Place ensure_partition(pg::Spi &spi, Oid table, TimestampTz time, std::optional<model::PeriodWidth> width) {
    Place place = pg::call([&] { return find_place(table, time); });
    if (OidIsValid(place.partition)) {
        return place;
    }
    place = pg::call([&] {
        LockRelationOid(table, ShareUpdateExclusiveLock);
        return find_place(table, time);
    });
    if (OidIsValid(place.partition)) {
        return place;
    }
    model::TimePeriod period = model::get_period(time, width.value_or(get_width(place)));
    create_partition(spi, table, {Max(period.from, place.gap_from), Min(period.to, place.gap_to)});
    return pg::call([&] { return find_place(table, time); });
}

} // namespace

bool is_name_taken(pg::Spi &spi, Oid beside, const std::string &name) {
    return !spi.query("SELECT FROM pg_catalog.pg_class o JOIN pg_catalog.pg_class t ON t.relnamespace = "
                      "o.relnamespace WHERE o.relname = $1::pg_catalog.name AND t.oid = $2::pg_catalog.oid",
                      {name, beside})
                .empty();
}

void revoke_grants(pg::Spi &spi, const std::string &table) {
    for (const pg::Row &grantee : spi.query(grantees_query, {table})) {
        spi.execute(sqltext::format("REVOKE ALL ON TABLE %1% FROM %2%", table, grantee.text(0)));
    }
}

Oid find_time_partition(Relation table, TimestampTz time) {
    return find_place(table, time).partition;
}

Oid get_time_partition(Oid table, TimestampTz time) {
    Place place = find_place(table, time);
    if (!OidIsValid(place.partition)) {
        place = pg::entry([&] {
            pg::Spi spi;
            return ensure_partition(spi, table, time, std::nullopt);
        });
    }
    return place.partition;
}

void make_time_partitions(pg::Spi &spi, Oid table, TimestampTz from, model::PeriodWidth width, int periods) {
    TimestampTz time = from;
    for (int i = 0; i < periods; i++) {
        ensure_partition(spi, table, time, width);
        time = model::get_period(time, width).to;
    }
}

bool has_next_partition(Oid table, TimestampTz time) {
    return pg::call([&] {
        Place place = find_place(table, time);
        return OidIsValid(place.partition) && !TIMESTAMP_IS_NOEND(place.gap_to)
               && OidIsValid(find_place(table, place.gap_to).partition);
    });
}

std::vector<TimePartition> find_partitions_before(pg::Spi &spi, Oid table, TimestampTz time) {
    const auto [partitions, count] = pg::call([&] { return list_partitions(table); });
    std::vector<TimePartition> found;
    for (int i = 0; i < count; i++) {
        const auto &[relation, period] = partitions[i];
        if (period.from < time) {
            if (const auto name = lock_partition(spi, table, relation)) {
                found.push_back({relation, *name, period.to <= time});
            }
        }
    }
    std::ranges::sort(found, {}, [](const TimePartition &partition) {
        return std::pair(!partition.is_past, partition.name);
    });
    return found;
}

std::optional<std::string> lock_partition(pg::Spi &spi, Oid table, Oid partition) {
    pg::call([&] { // from above, as those who detach or drop it
        LockRelationOid(table, AccessShareLock);
        LockRelationOid(partition, AccessShareLock);
    });
    const pg::Rows rows =
        spi.query("SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_inherits h "
                  "JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid JOIN pg_catalog.pg_namespace n ON n.oid "
                  "= c.relnamespace WHERE h.inhparent = $1::pg_catalog.oid AND h.inhrelid = "
                  "$2::pg_catalog.oid",
                  {table, partition});
    return rows.empty() ? std::nullopt : std::optional(rows.front().text(0));
}

TimestampTz get_partition_start(Oid table, Oid partition) {
    const auto [partitions, count] = pg::call([&] { return list_partitions(table); });
    const auto *found = std::find_if(partitions, partitions + count, [&](const BoundedPartition &candidate) {
        return candidate.relation == partition;
    });
    return found == partitions + count ? DT_NOBEGIN : found->period.from;
}

std::vector<TimestampTz> get_steps_back(Oid table) {
    constexpr int first_step = 4;
    const auto [partitions, count] = pg::call([&] { return list_partitions(table); });
    std::vector<TimestampTz> steps;
    // By their bounds, as they are listed. A few that would be left are not worth a step.
    for (int size = first_step, place = count - size; place > first_step; size *= 2, place -= size) {
        if (partitions[place].period.from > (steps.empty() ? DT_NOEND : steps.back())
            || TIMESTAMP_IS_NOBEGIN(partitions[place].period.from)) {
            break;
        }
        steps.push_back(partitions[place].period.from);
    }
    steps.push_back(DT_NOBEGIN);
    return steps;
}

model::PeriodWidth get_partition_width(Oid table) {
    return get_width(pg::call([&] { return find_place(table, 0); }));
}

} // namespace softdelete::rows
