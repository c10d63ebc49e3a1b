// The views of a table with an archive, while columns that they show become other ones. They come back with their grants, comments
// and options. Used by archive/follow_columns, archive/mend_names and repair().
#pragma once

#include "archive/archive_settings.hpp"
#include "catalog/table_catalog.hpp"
#include "catalog/view_properties.hpp"

#include <vector>

namespace softdelete::archive {

class RebuiltViews {
public:
    RebuiltViews(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings)
        : spi_(spi)
        , table_(table)
        , settings_(settings) {}

    // Drops those that are there. Does nothing the second time. Errors: 2BP01 where something of the user's depends on one.
    void take_down();

    // Makes those anew that were taken down.
    void put_up();

private:
    void drop(const std::string &view);

    pg::Spi &spi_;
    const catalog::Table &table_;
    const ArchiveSettings &settings_;
    std::vector<catalog::ViewProperty> properties_;
    std::vector<std::string> down_;
    bool is_done_ = false;
};

// Has the view each of these columns and no other?
bool shows_exactly(const std::vector<std::string> &shown, const std::vector<std::string> &wanted);

} // namespace softdelete::archive
