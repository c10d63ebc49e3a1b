// How a table is registered with the strategy archive: the row of softdelete_internal.archive.
#pragma once

#include "model/table_settings.hpp"
#include "pg/spi.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::archive {

struct ArchiveSettings {
    Oid relation;
    Oid archive; // InvalidOid where it is not made yet
    std::string archive_name;
    std::string deleted_at;
    std::optional<std::string> deleted_by;
    std::string active_view;
    std::string deleted_view;
    std::string all_view;
    std::optional<std::string> retention = {}; // an interval
    bool is_missing = false;                   // somebody has dropped the archive alone
    model::OnExpiry on_expiry = model::OnExpiry::purge;
    std::vector<std::string> admin_roles = {};
    std::optional<std::string> indexes = {};   // which become partial where its deleted rows are marked again
    std::optional<std::string> time_zone = {}; // of the session that made the row; it makes it
};

// Nothing where the table has none. The lock is one on the registry's row, for who is going to change it.
enum class SettingsLock { none, for_update };
std::optional<ArchiveSettings> find_settings(pg::Spi &spi, Oid relation,
                                             SettingsLock lock = SettingsLock::none);

void insert_settings(pg::Spi &spi, const ArchiveSettings &settings);
void set_archive(pg::Spi &spi, Oid relation, Oid archive);
void set_retention(pg::Spi &spi, Oid relation, const std::optional<std::string> &retention);
void set_on_expiry(pg::Spi &spi, Oid relation, model::OnExpiry on_expiry);
void set_admin_roles(pg::Spi &spi, Oid relation, const std::vector<std::string> &roles);
// Whatever is deleted from now on gets to the archive with the time of its deletion. Under the lock that keeps others from the table,
// when all rows that were marked have been moved.
void note_exact_times(pg::Spi &spi, Oid relation);
void set_indexes(pg::Spi &spi, Oid relation, const std::optional<std::string> &indexes);
void delete_settings(pg::Spi &spi, Oid relation);

} // namespace softdelete::archive
