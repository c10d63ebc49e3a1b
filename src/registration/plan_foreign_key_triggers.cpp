// Says which triggers foreign keys need so that they see soft deletes, compares with those that are there, and makes
// the steps: a constraint trigger per key on the referencing table; on a referenced table one that locks, one that
// collects, and one per deferrable NO ACTION key. Called by registration and by DDL that changes keys.
#include "registration/plan_foreign_key_triggers.hpp"
#include "catalog/link_names.hpp"
#include "model/trigger_names.hpp"
#include "sqltext/format.hpp"

#include "catalog/foreign_keys.hpp"
#include "catalog/trigger_catalog.hpp"
#include "pg/quote.hpp"
#include "session/distributed_tables.hpp"

#include <algorithm>
#include <set>

namespace softdelete::registration {

namespace {

using catalog::ForeignKey;
using catalog::OnDelete;
using catalog::TableInfo;

// A trigger of ours as it is.
struct LinkTrigger {
    bool has_condition;
    std::string deferral; // as make_deferral() says it
    bool is_of_key;       // stands for one foreign key
    bool is_enabled;
};

using Triggers = std::map<std::string, LinkTrigger>;

Triggers find_triggers(pg::Spi &spi, Oid relation) {
    Triggers triggers;
    for (const pg::Row &row : spi.query_kept(
             "SELECT t.tgname, t.tgqual IS NOT NULL, CASE WHEN t.tginitdeferred THEN ' DEFERRABLE INITIALLY "
             "DEFERRED'"
             " WHEN t.tgdeferrable THEN ' DEFERRABLE' ELSE '' END, p.proname IN ('check_children', "
             "'check_parent'), t.tgenabled IN ('O', 'A')"
             " FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid"
             " JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE t.tgrelid = $1::pg_catalog.oid"
             " AND n.nspname = 'softdelete_internal' AND p.proname IN ('lock_row', 'collect_deleted', "
             "'check_children',"
             " 'check_parent')",
             {relation})) {
        triggers[row.text(0)] = {row.boolean(1), row.text(2), row.boolean(3), row.boolean(4)};
    }
    return triggers;
}

std::string make_trigger_name(const char *prefix, const std::string &key) {
    return pg::call([&] { return catalog::make_link_name(prefix, key.c_str()); });
}

std::string make_deferral(const ForeignKey &key) {
    if (!key.is_deferrable) {
        return "";
    }
    return key.is_initially_deferred ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE";
}

class LinkPlanner {
public:
    LinkPlanner(pg::Spi &spi, Oid relation, const RegisteredTables &tables)
        : spi_(spi)
        , tables_(tables)
        , table_(assume_registered(catalog::get_table(spi, relation))) {}

    std::vector<model::Step> link() {
        std::vector<ForeignKey> referencing;
        if (table_.is_registered) {
            check_generated_links();
            referencing = catalog::find_referencing_keys(spi_, table_.relation);
        }
        if (!referencing.empty()) {
            link_parent(referencing);
        }
        for (const ForeignKey &key : referencing) {
            link_child(key, assume_registered(key.child));
        }
        for (const ForeignKey &key : catalog::find_own_keys(spi_, table_.relation)) {
            if (assume_registered(key.parent).is_registered) {
                link_child(key, table_);
            }
        }
        drop_orphans();
        return std::move(steps_);
    }

    // family: all that is unregistered with the table, itself too.
    std::vector<model::Step> unlink(const std::vector<Oid> &family) {
        auto stays = [&](Oid relation) {
            return std::find(family.begin(), family.end(), relation) == family.end();
        };
        for (const auto &[name, trigger] : find_triggers(spi_, table_.relation)) {
            drop(table_, name);
        }
        for (const ForeignKey &key : catalog::find_referencing_keys(spi_, table_.relation)) {
            std::string name = make_trigger_name(model::parent_check_prefix, key.name);
            if (stays(key.child.relation) && find_triggers(spi_, key.child.relation).count(name) != 0) {
                drop(key.child, name);
            }
        }
        table_.is_registered = false;
        for (const ForeignKey &key : catalog::find_own_keys(spi_, table_.relation)) {
            if (key.parent.is_registered && stays(key.parent.relation)) {
                add(table_, make_trigger_name(model::parent_check_prefix, key.name), model::Action::create,
                    make_child_trigger(key, table_));
            }
        }
        return std::move(steps_);
    }

private:
    // As if the tables at hand were registered already.
    TableInfo assume_registered(TableInfo table) const {
        auto place = tables_.find(table.relation);
        if (place != tables_.end()) {
            table.is_registered = true;
            table.deleted_at = place->second;
        }
        return table;
    }

    // The key would be another one as soon as the row is deleted.
    void check_generated_links() {
        if (std::optional<catalog::GeneratedLink> link =
                catalog::find_generated_link(spi_, table_.relation, table_.deleted_at)) {
            pg::raise(
                {.sqlstate = ERRCODE_FEATURE_NOT_SUPPORTED,
                 .message = sqltext::format("foreign key \"%1%\" depends on whether rows of table %2% are "
                                            "deleted",
                                            link->key, table_.title),
                 .detail = sqltext::format("Its column \"%1%\" is generated from %2%: a deletion would "
                                           "break links, and a restore would not find them.",
                                           link->column, table_.deleted_at),
                 .hint = "Let the key use a plain column. It binds live rows only all the same.",
                 .relation = table_.relation});
        }
    }

    void link_parent(const std::vector<ForeignKey> &referencing) {
        std::string becomes_deleted =
            sqltext::format("OLD.%1% IS NULL AND NEW.%1% IS NOT NULL", table_.deleted_at);
        ensure(model::lock_trigger,
               sqltext::format("CREATE TRIGGER softdelete_lock BEFORE UPDATE ON %1% FOR EACH ROW EXECUTE "
                               "FUNCTION softdelete_internal.lock_row()",
                               table_.name));
        ensure(
            model::collect_trigger,
            sqltext::format("CREATE TRIGGER softdelete_collect AFTER UPDATE ON %1% FOR EACH ROW WHEN (%2%) "
                            "EXECUTE FUNCTION softdelete_internal.collect_deleted()",
                            table_.name, becomes_deleted));
        if (table_.is_partitioned) {
            ensure(model::collect_moved_trigger,
                   sqltext::format("CREATE TRIGGER softdelete_collect_moved AFTER INSERT ON %1% FOR EACH ROW "
                                   "WHEN (NEW.deletion_id IS NOT NULL) EXECUTE FUNCTION "
                                   "softdelete_internal.collect_deleted()",
                                   table_.name));
        }
        for (const ForeignKey &key : referencing) {
            if (key.on_delete == OnDelete::no_action && key.is_deferrable) {
                std::string name = make_trigger_name(model::children_check_prefix, key.name);
                ensure(
                    name,
                    sqltext::format("CREATE CONSTRAINT TRIGGER %1% AFTER UPDATE ON %2%%3% FOR EACH ROW WHEN "
                                    "(%4%) EXECUTE FUNCTION softdelete_internal.check_children(%5%)",
                                    pg::quote_identifier(name), table_.name, make_deferral(key),
                                    becomes_deleted, pg::quote_literal(key.name)),
                    make_deferral(key));
            }
        }
    }

    // Live rows of a registered table are told by the condition, so that deleting them costs nothing here.
    std::string make_child_trigger(const ForeignKey &key, const TableInfo &child) {
        std::string name = make_trigger_name(model::parent_check_prefix, key.name);
        std::string condition = child.is_registered ? " WHEN (NEW." + child.deleted_at + " IS NULL)" : "";
        return sqltext::format(
            "CREATE CONSTRAINT TRIGGER %1% AFTER INSERT OR UPDATE ON %2%%3% FOR EACH ROW%4% EXECUTE "
            "FUNCTION softdelete_internal.check_parent(%5%)",
            pg::quote_identifier(name), child.name, make_deferral(key), condition,
            pg::quote_literal(key.name));
    }

    void link_child(const ForeignKey &key, const TableInfo &child) {
        std::string name = make_trigger_name(model::parent_check_prefix, key.name);
        if (child.relation == table_.relation) {
            of_keys_.insert(name);
        }
        Triggers triggers = find_triggers(spi_, child.relation);
        auto place = triggers.find(name);
        if (place == triggers.end()) {
            if (catalog::has_foreign_trigger(spi_, child.relation, name)) {
                drop(child, name);
            }
            add(child, name, model::Action::create, make_child_trigger(key, child));
        } else if (place->second.has_condition != child.is_registered
                   || place->second.deferral != make_deferral(key)) {
            drop(child, name);
            add(child, name, model::Action::replace, make_child_trigger(key, child));
        } else if (!place->second.is_enabled) {
            enable(child, name);
        }
    }

    void ensure(const std::string &name, const std::string &command, const std::string &deferral = "") {
        of_keys_.insert(name);
        Triggers triggers = find_triggers(spi_, table_.relation);
        auto place = triggers.find(name);
        bool is_stale = place != triggers.end() && place->second.deferral != deferral;
        if (is_stale) {
            drop(table_, name);
        }
        if (place == triggers.end() && catalog::has_foreign_trigger(spi_, table_.relation, name)) {
            drop(table_, name);
        } else if (place != triggers.end() && !place->second.is_enabled) {
            enable(table_, name);
        }
        if (is_stale || place == triggers.end()) {
            add(table_, name, is_stale ? model::Action::replace : model::Action::create, command);
        }
    }

    // Triggers of foreign keys that are gone or have another name now.
    void drop_orphans() {
        for (const auto &[name, trigger] : find_triggers(spi_, table_.relation)) {
            if (trigger.is_of_key && of_keys_.count(name) == 0) {
                drop(table_, name);
            }
        }
    }

    static std::string make_drop(const TableInfo &table, const std::string &name) {
        return sqltext::format("DROP TRIGGER %1% ON %2%", pg::quote_identifier(name), table.name);
    }

    void enable(const TableInfo &table, const std::string &name) {
        add_step(table, name, model::Action::alter,
                 "ALTER TABLE " + table.name + " ENABLE TRIGGER " + pg::quote_identifier(name));
    }

    void drop(const TableInfo &table, const std::string &name) {
        add_step(table, name, model::Action::drop, make_drop(table, name));
    }

    // The trigger goes with the extension, and leaves the table to its owner.
    void add(const TableInfo &table, const std::string &name, model::Action action,
             const std::string &command) {
        add_step(table, name, action, command);
        if (pg::call([&] { return session::is_distributed(table.relation); })) {
            return; // Citus takes no trigger that depends on an extension
        }
        add_step(table, name, model::Action::alter,
                 sqltext::format("ALTER TRIGGER %1% ON %2% DEPENDS ON EXTENSION softdelete",
                                 pg::quote_identifier(name), table.name));
    }

    // A key of a table to itself is seen from both sides.
    void add_step(const TableInfo &table, const std::string &name, model::Action action,
                  const std::string &command) {
        bool is_new = std::none_of(steps_.begin(), steps_.end(), [&](const model::Step &step) {
            return step.relation == table.relation && step.commands.front() == command;
        });
        if (is_new) {
            steps_.push_back(
                {table.relation, "trigger " + pg::quote_identifier(name), action, false, {command}});
        }
    }

    pg::Spi &spi_;
    const RegisteredTables &tables_;
    TableInfo table_;
    std::set<std::string> of_keys_; // names of the triggers that the table is to have
    std::vector<model::Step> steps_;
};

} // namespace

std::vector<model::Step> plan_links(pg::Spi &spi, const RegisteredTables &tables) {
    RegisteredTables all;
    for (const auto &[relation, deleted_at] : tables) {
        for (Oid heir : catalog::find_heirs(spi, relation)) {
            all[heir] = deleted_at;
        }
    }
    std::vector<model::Step> steps;
    // A key between two of the tables is seen from both.
    std::set<std::pair<unsigned int, std::string>> seen;
    for (const auto &[relation, deleted_at] : all) {
        for (model::Step &step : LinkPlanner(spi, relation, all).link()) {
            if (seen.emplace(step.relation, step.commands.front()).second) {
                steps.push_back(std::move(step));
            }
        }
    }
    return steps;
}

std::vector<model::Step> plan_own_links(pg::Spi &spi, Oid relation) {
    const RegisteredTables none;
    return LinkPlanner(spi, relation, none).link();
}

std::vector<model::Step> plan_unlinks(pg::Spi &spi, Oid relation) {
    const RegisteredTables none;
    const std::vector<Oid> family = catalog::find_heirs(spi, relation);
    std::vector<model::Step> steps;
    for (Oid heir : family) {
        for (model::Step &step : LinkPlanner(spi, heir, none).unlink(family)) {
            steps.push_back(std::move(step));
        }
    }
    return steps;
}

} // namespace softdelete::registration
