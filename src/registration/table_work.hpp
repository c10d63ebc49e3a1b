// What the parts of register(), configure() and repair() share while they work out the steps for one table.
#pragma once

#include "catalog/table_catalog.hpp"
#include "model/index_facts.hpp"
#include "model/step.hpp"
#include "pg/spi.hpp"
#include "registry/registry.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace softdelete::registration {

// Finds names that no relation of the schema has and that were not given before.
class NameChooser {
public:
    // The first free one of candidate(0), candidate(1), ...
    std::string choose(Oid schema, const std::function<std::string(int)> &candidate);

    // Takes a name that nobody was given; false where somebody was.
    bool take(Oid schema, const std::string &name) { return given_.insert({schema, name}).second; }

    // Takes over what another one has given: the names of several tables are chosen before any is used.
    void follow(const NameChooser &other) { given_ = other.given_; }

private:
    std::set<std::pair<Oid, std::string>> given_;
};

struct TableWork {
    pg::Spi &spi;
    const catalog::Table &table;
    bool is_plan; // commands are to be run by the user: indexes CONCURRENTLY
    // Named in the call; others come along by cascade, and the names that the call gives to views are not theirs.
    bool is_named = true;
    bool leaves_users_views = false;
    bool makes_all_views = false; // those under their names go first
    // The settings as they shall be; what was added and converted is filled in on the way.
    registry::Registration registration;
    std::vector<registry::ConvertedIndex> converted;
    std::set<std::pair<Oid, std::string>> whole =
        {}; // indexes that are left as they are, though nothing needs them so any more
    std::vector<model::IndexFacts> indexes;
    std::vector<unsigned int> own_indexes; // indexes of deleted rows that are there
    std::vector<model::Step> steps;
    std::vector<sqltext::Statement> comments; // on the table's columns and indexes, to be set at the end
    NameChooser names;
    // Tables that carry our policies from now on, and whether the user wishes row security; those that no longer do.
    std::vector<std::pair<unsigned int, bool>> secured;
    std::vector<unsigned int> released;
    std::set<unsigned int> going;   // indexes of all rows that conversions replace
    std::vector<Oid> archived = {}; // other tables that get an archive in the same call

    const model::TableSettings &settings() const { return registration.settings; }

    const catalog::Member &member(Oid oid) const;

    const model::IndexFacts *find_index(Oid of, const std::string &name) const; // nullptr where there is none

    void add(model::Action action, Oid relation, const std::string &object,
             const sqltext::Statement &command);
    void add_online(model::Action action, Oid relation, const std::string &object,
                    const sqltext::Statement &command);
    void adopt(Oid relation, const std::string &object);
    void keep(Oid relation, const std::string &object, const std::string &reason);
    // text: a sentence without its period. hint: whole sentences. advice: what the remedy is, or when to run it.
    void warn(const model::Warning &warning, Oid relation, const std::string &object, const std::string &text,
              const std::string &hint = {});
    void warn(const model::Warning &warning, Oid relation, const std::string &object, const std::string &text,
              const std::string &advice, const sqltext::Statement &remedy);
};

// Reads the table's indexes as well. The registration's settings are complete.
TableWork begin_work(pg::Spi &spi, const catalog::Table &table, const registry::Registration &registration,
                     bool is_plan);

// The same without the indexes.
TableWork begin_work_on_views(pg::Spi &spi, const catalog::Table &table,
                              const registry::Registration &registration, bool is_plan);

// deleted_at IS NULL, as the server deparses it.
std::string get_live_condition(const model::TableSettings &settings);

// Has that table an archive, or gets it in the same call?
bool gets_archive(const TableWork &work, Oid relation);

// A name made of a table's, cut to what names may have; where a number is added it is not what is cut off.
std::string make_numbered_name(const std::string &name, int number);

// label and number as core numbers names: idx, idx1, idx2.
std::string numbered(const std::string &label, int number);

// The settings that differ from the defaults, as further arguments of register(), each with a comma before it.
sqltext::Expression make_arguments(const model::TableSettings &settings);

// The call that registers a child of a table that is registered with these settings: its rows wait for those below them.
sqltext::Statement make_registration_of(pg::Spi &spi, const model::TableSettings &settings, Oid child);

inline constexpr const char *deletion_id_column = "deletion_id";

} // namespace softdelete::registration
