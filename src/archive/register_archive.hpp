// register(), plan(), repair() and unregister() of tables with the strategy archive.
#pragma once

#include "archive/archive_settings.hpp"
#include "catalog/table_catalog.hpp"
#include "model/step.hpp"
#include "pg/relations.hpp"
#include "registration/configure_table.hpp"
#include "registration/register_table.hpp"

#include <string>
#include <vector>

namespace softdelete::archive {

// Gives the table an archive beside it, with cascade all that reference it by ON DELETE CASCADE as well, to any depth, and
// returns what was done. From then on a DELETE moves rows there.
// Locks the tables ACCESS EXCLUSIVE. Acts as their owners. Errors: those of register_table(); 0A000 as well for options
// that an archive has not yet, for inheritance, and for foreign keys between tables of both strategies; 42701 where a
// column has a name of the archive's own; 42P07 where a name is taken.
std::vector<model::Step> register_archive(const registration::RegisterRequest &request);

// The steps that it would take; changes nothing. Locks the tables ACCESS SHARE.
std::vector<model::Step> plan_archive(const registration::RegisterRequest &request);

// Has the table, or the one that it is a partition of, an archive? Who is no owner learns no more than from pg_class.
bool has_archive(Oid relation);

// The same for a command of the owner's that goes by the answer: the table is locked before, so that it stays true.
bool has_archive(pg::Spi &spi, Oid relation, pg::Lock lock);

// Changes the retention. Errors: 42501, 22023, and 0A000 for all else that configure() can change.
std::vector<model::Step> configure_archive(const registration::ConfigureRequest &request);

// Brings triggers and views back that are gone, and makes the partitions of the next time.
// Errors: 42501, and 55000 for a partition alone.
std::vector<model::Step> repair_archive(Oid relation);

// Ends it. deleted_rows: 'refuse', 'keep', which leaves the archive as a plain table, or 'purge', which drops it with its
// rows. Errors: 42501, 22023, and 55000 where there are deleted rows and it is 'refuse'.
std::vector<model::Step> unregister_archive(Oid relation, const std::string &deleted_rows);

// What goes from the table itself then: the views and triggers. The caller has locked it.
std::vector<model::Step> plan_end(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings);

} // namespace softdelete::archive
