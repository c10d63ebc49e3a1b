// The part of registration that puts the marker and the guards of whole statements on a table and its members.
#include "catalog/quoting.hpp"
#include "catalog/referencing_constraints.hpp"
#include "catalog/trigger_catalog.hpp"
#include "model/trigger_names.hpp"
#include "registration/plan_parts.hpp"
#include "session/distributed_tables.hpp"
#include "sqltext/table_statements.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
}

namespace softdelete::registration {

namespace {

using catalog::Member;
using model::Action;

// Clones of the marker are told by their parent.
constexpr const char *disabled_query = R"(
    WITH RECURSIVE line (relation) AS (
        SELECT $1::pg_catalog.oid
        UNION SELECT h.inhrelid FROM pg_catalog.pg_inherits h JOIN line l ON h.inhparent = l.relation),
    referencing (relation) AS (
        SELECT k.conrelid FROM pg_catalog.pg_constraint k JOIN line l ON k.confrelid = l.relation
        WHERE k.contype = 'f' AND k.oid = ANY ($2)),
    concerned (relation, is_own) AS (
        SELECT relation, true FROM line UNION SELECT relation, false FROM referencing)
    SELECT DISTINCT t.tgrelid, pg_catalog.quote_ident(t.tgname),
           pg_catalog.format('ALTER TABLE ONLY %I.%I ENABLE %sTRIGGER %I', n.nspname, c.relname,
                             CASE WHEN p.proname IN ('on_delete', 'check_written') THEN 'ALWAYS ' ELSE '' END, t.tgname)
    FROM concerned k
    JOIN pg_catalog.pg_trigger t ON t.tgrelid = k.relation
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
    JOIN pg_catalog.pg_namespace o ON o.oid = p.pronamespace AND o.nspname = 'softdelete_internal'
    WHERE t.tgenabled = 'D'
      AND (p.proname = 'check_parent'
           OR (k.is_own AND p.proname = 'check_written' AND t.tgparentid <> 0)
           OR (k.is_own AND p.proname IN ('lock_row', 'collect_deleted', 'check_children'))
           OR (k.is_own AND p.proname = 'on_delete' AND t.tgparentid <> 0))
    ORDER BY 3)";

void plan_trigger(TableWork &work, const Member &member, const char *trigger,
                  const sqltext::Statement &create) {
    sqltext::Identifier name(trigger);
    std::string object = "trigger " + name.text();
    auto existing = catalog::find_own_trigger(work.spi, member.oid, name.text());
    bool is_right = existing && existing->definition == create.text();
    // Citus takes no trigger that depends on an extension.
    bool is_tied = (existing && existing->is_tied_to_extension)
                   || pg::call([&] { return session::is_distributed(member.oid); });
    if (is_right && existing->is_enabled_always && is_tied) {
        work.adopt(member.oid, object);
        return;
    }
    if (!existing && catalog::has_foreign_trigger(work.spi, member.oid, name.text())) {
        work.add(Action::replace, member.oid, object, sqltext::drop_trigger(member.qualified, name));
        work.add(Action::replace, member.oid, object, create);
    } else if (!existing) {
        work.add(Action::create, member.oid, object, create);
    } else if (!is_right) {
        work.add(Action::replace, member.oid, object, sqltext::or_replace(create));
    }
    work.add(Action::alter, member.oid, object, sqltext::enable_always(member.qualified, name));
    if (!is_tied || (existing && existing->is_tied_to_extension && !is_right)) {
        work.add(Action::alter, member.oid, object, sqltext::tie_to_extension(member.qualified, name));
    }
}

void drop_renamed_triggers(TableWork &work, const Member &member) {
    for (const std::string &trigger : catalog::find_renamed_triggers(work.spi, member.oid)) {
        sqltext::Identifier name = catalog::identifier(trigger);
        work.add(Action::alter, member.oid, "trigger " + name.text(),
                 sqltext::drop_trigger(member.qualified, name));
    }
}

} // namespace

void plan_triggers(TableWork &work) {
    const model::TableSettings &settings = work.settings();
    for (const Member &member : work.table.members) {
        drop_renamed_triggers(work, member);
        // Partitions get clones of the row trigger, but none of the statement triggers.
        if (!member.is_partition) {
            plan_trigger(
                work, member, model::marker_trigger,
                sqltext::create_marker(member.qualified, catalog::trigger_argument(settings.deleted_at),
                                       catalog::trigger_argument(settings.deleted_by.value_or("")),
                                       catalog::trigger_argument(model::to_text(settings.visibility))));
        }
        plan_trigger(work, member, model::truncate_trigger, sqltext::create_truncate_guard(member.qualified));
        plan_trigger(work, member, model::update_trigger, sqltext::create_update_guard(member.qualified));
    }
    plan_written_checks(work, work.table.members);
}

// An UPDATE that routes rows reaches partitions that the executor hook has not seen.
void plan_written_checks(TableWork &work, const std::vector<Member> &members) {
    for (const Member &member : members) {
        if (member.is_partition) {
            continue; // has a clone
        }
        int events = TRIGGER_TYPE_INSERT | (member.is_partitioned() ? TRIGGER_TYPE_UPDATE : 0);
        if (catalog::has_before_row_trigger(work.spi, member.oid, events)) {
            plan_trigger(work, member, model::written_check,
                         sqltext::create_written_check(member.qualified,
                                                       catalog::identifier(work.settings().deleted_at),
                                                       member.is_partitioned()));
        } else if (catalog::find_own_trigger(work.spi, member.oid, model::written_check)) {
            sqltext::Identifier name(model::written_check);
            work.add(Action::drop, member.oid, "trigger " + name.text(),
                     sqltext::drop_trigger(member.qualified, name));
        }
    }
}

void plan_disabled_triggers(TableWork &work) {
    for (const pg::Row &row : work.spi.query_kept(
             disabled_query,
             {work.table.oid, catalog::find_referencing_constraints(work.spi, {work.table.oid})})) {
        work.steps.push_back({row.oid(0), "trigger " + row.text(1), Action::alter, false, {row.text(2)}});
    }
}

} // namespace softdelete::registration
