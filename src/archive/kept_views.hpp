// What the views of a table have beside their queries, for when they are made anew: grants, comments, options.
#pragma once

#include "archive/archive_definition.hpp"
#include "catalog/table_catalog.hpp"
#include "catalog/view_properties.hpp"

#include <vector>

namespace softdelete::archive {

class KeptViews {
public:
    // coming: what the views will be, where that has fewer columns.
    KeptViews(pg::Spi &spi, const catalog::Table &table, const ArchiveSettings &settings,
              const std::vector<ViewDefinition> &coming = {});

    // To views of the same names; default privileges give nothing besides.
    void give_back();

private:
    pg::Spi &spi_;
    const catalog::Table &table_;
    const std::vector<std::string> views_;
    std::vector<catalog::ViewProperty> properties_;
};

} // namespace softdelete::archive
