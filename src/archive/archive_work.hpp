// What registration and repair of a table with an archive share: the steps that bring about what is missing.
#pragma once

#include "archive/archive_definition.hpp"
#include "archive/former_archive.hpp"
#include "catalog/table_catalog.hpp"
#include "model/step.hpp"
#include "model/time_period.hpp"

#include <optional>
#include <set>
#include <vector>

namespace softdelete::archive {

// Names of relations that one call gives, by their schemas.
using GivenNames = std::set<std::pair<Oid, std::string>>;

struct ArchiveWork {
    pg::Spi &spi;
    const catalog::Table &table;
    ArchiveSettings settings;
    std::optional<FormerArchive> former = {}; // that goes on
    std::vector<model::Step> steps = {};

    void add(model::Action action, Oid relation, const std::string &object, std::vector<std::string> commands,
             const std::string &remark = {});
};

// The name for a new archive: none that this call has given already, nor that of the archive or the history of another table, as
// long names that are cut may be. What else has the name may be an archive of before, or is an error.
std::string choose_archive_name(const catalog::Table &table, const GivenNames &given = {});

// Errors: 42P07 where the archive would have the name of another relation, which cannot go on as the archive.
void check_archive_name(const catalog::Table &table, const std::string &name);

// The width by which the rows of the retention need a few dozen partitions.
model::PeriodWidth choose_width(pg::Spi &spi, const std::optional<std::string> &retention);

// The archive itself; its partitions are made by make_partitions() when the steps have been run.
void plan_archive_table(ArchiveWork &work, const std::vector<ArchiveColumn> &columns);

// The guards of the archive, which is there, and of its partitions.
void plan_guards(ArchiveWork &work);

// The trigger that moves deleted rows, and the guards against TRUNCATE.
void plan_triggers(ArchiveWork &work);

// The views that are not there. Errors: 42P07 where another relation has the name.
void plan_views(ArchiveWork &work, const std::vector<ArchiveColumn> &columns);

// Gives a new archive to nobody but its owner, its admin_roles and those who could read the table that went on in it.
void keep_to_owner(pg::Spi &spi, const ArchiveSettings &settings,
                   const std::optional<FormerArchive> &former = std::nullopt);

// Makes the partitions of this time and the next.
void make_first_partitions(pg::Spi &spi, Oid archive, model::PeriodWidth width);

// Statements that take the guard from an archive that stays as a plain table, and from its partitions.
std::vector<std::string> make_guard_drops(pg::Spi &spi, Oid archive);

} // namespace softdelete::archive
