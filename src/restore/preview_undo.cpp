// undo_preview(): counts the rows of each deletion, and asks for rights and conflicts of all together. Called by
// api/deletions.
#include "restore/preview_undo.hpp"

#include "deletion/count_deletion.hpp"
#include "pg/scopes.hpp"
#include "registry/place_lock.hpp"
#include "restore/list_conflicts.hpp"
#include "restore/undo_rights.hpp"

extern "C" {
#include "miscadmin.h"
}

#include <map>

namespace softdelete::restore {

namespace {

// When and by whom, as softdelete.deletions shows the caller.
UndoLine make_line(pg::Spi &spi, std::int64_t deletion) {
    const Oid role = GetUserId();
    pg::UserScope owner(pg::get_extension_owner());
    const std::vector<pg::Row> found = spi.query(
        "SELECT deleted_at, deleted_by FROM softdelete_internal.deletion WHERE id = $1::pg_catalog.int8 AND "
        "pg_catalog.has_table_privilege($2::pg_catalog.oid, relation::pg_catalog.oid, 'SELECT')",
        {deletion, role});
    UndoLine line = {};
    line.deletion = std::to_string(deletion);
    if (!found.empty()) {
        line.deleted_at = found.front().value(0);
        line.deleted_by = found.front().value(1);
    }
    return line;
}

std::vector<UndoLine> preview(pg::Spi &spi, const std::vector<std::int64_t> &deletions) {
    const std::vector<Conflict> conflicts =
        list_conflicts(spi, deletions);     // asks whether the caller may know
    std::map<std::int64_t, UndoLine> known; // there may be many conflicts
    auto get_line = [&](std::int64_t deletion) {
        auto place = known.find(deletion);
        return place != known.end() ? place->second
                                    : known.emplace(deletion, make_line(spi, deletion)).first->second;
    };
    std::vector<UndoLine> lines;
    std::vector<UndoLine> refusals;
    for (std::int64_t deletion : deletions) {
        UndoLine line = get_line(deletion);
        line.action = "restore";
        for (const deletion::TableCount &count : deletion::count_rows_of(spi, deletion)) {
            line.relation = count.relation;
            line.rows = std::to_string(count.rows);
            lines.push_back(line);
        }
        if (std::optional<std::string> missing = find_missing_right(spi, deletion)) {
            UndoLine refusal = get_line(deletion);
            refusal.action = "refuse";
            refusal.detail = missing;
            refusals.push_back(std::move(refusal));
        }
    }
    for (const Conflict &conflict : conflicts) {
        UndoLine line = conflict.deletion ? get_line(std::stoll(*conflict.deletion)) : UndoLine{};
        line.relation = conflict.relation;
        line.action = "refuse";
        line.key = conflict.key;
        line.detail = conflict.detail;
        refusals.push_back(std::move(line));
    }
    lines.insert(lines.end(), std::make_move_iterator(refusals.begin()),
                 std::make_move_iterator(refusals.end()));
    return lines;
}

} // namespace

std::vector<UndoLine> preview_undo(std::int64_t deletion) {
    pg::Spi spi;
    pg::call([] { registry::keep_rows_in_place(); });
    return preview(spi, {deletion});
}

std::vector<UndoLine> preview_undo(const DeletionTraits &traits) {
    pg::Spi spi;
    pg::call([] { registry::keep_rows_in_place(); });
    return preview(spi, find_deletions(spi, traits, deletion::DeletionLock::none));
}

} // namespace softdelete::restore
