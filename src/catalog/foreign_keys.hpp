// Foreign keys between tables as the commands on trees need them: what they do on delete, and SQL fragments that
// compare their columns with the constraint's own operators.
#pragma once

#include "catalog/table_info.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::catalog {

enum class OnDelete { no_action, restricted, cascade, set_null, set_default };

// The columns of one side in the key's order: names quoted, types under any domains.
struct LinkColumns {
    std::vector<std::string> names;
    std::vector<Oid> types;
    std::string partition; // a condition on tableoid where the key is about one partition; else empty
};

struct ForeignKey {
    Oid constraint;
    std::string name; // as it is, not quoted
    TableInfo child;  // the referencing table
    TableInfo parent; // the referenced table
    OnDelete on_delete;
    bool is_deferrable;
    bool is_initially_deferred;
    std::string comparison; // the columns alone: p.id OPERATOR(pg_catalog.=) c.parent_id AND ...
    std::string link; // child row "c" references parent row "p": the comparison, within the key's partitions
    std::string child_columns; // "a, b", quoted
    std::string child_values;  // "c.a, c.b"
    LinkColumns child_link;
    LinkColumns parent_link;
    bool
        compares_as_sets_do; // its columns have the types and collations of the parent's, and default equality
};

// As it stands behind ON DELETE.
const char *name_action(OnDelete action);

// True where a live child must not have a deleted parent: CASCADE, NO ACTION and RESTRICT. SET NULL and SET DEFAULT
// keep the link.
inline bool binds(OnDelete action) {
    return action != OnDelete::set_null && action != OnDelete::set_default;
}

// Has a row that comes back to have its parent by the key? Not by one on deleted_by, which the restore clears.
inline bool binds_restored(const ForeignKey &key) {
    const std::vector<std::string> &columns = key.child_link.names;
    return binds(key.on_delete) && key.parent.is_registered
           && (key.child.deleted_by.empty()
               || std::find(columns.begin(), columns.end(), key.child.deleted_by) == columns.end());
}

// Does one role own both tables? A statement that names tables of two owners would be planned as one of them, and to plan
// it alone can run code of the other's: index predicates and expressions, expressions of statistics.
inline bool has_one_owner(const ForeignKey &key) {
    return key.child.owner == key.parent.owner;
}

// The enforced foreign keys that reference the table or a partition of it, and those that it or a partition of it has.
std::vector<ForeignKey> find_referencing_keys(pg::Spi &spi, Oid relation);
std::vector<ForeignKey> find_own_keys(pg::Spi &spi, Oid relation);

// The key as archived rows of its referencing table have it, which has an archive: that does not keep which partition a row
// was in. And the same where the referenced row is archived as well.
ForeignKey of_archived_children(const ForeignKey &key);
ForeignKey between_archives(const ForeignKey &key);

// Keys that reference a table as rows of all places have them: those of the referencing table, and archived ones.
// is_parent_archived: the referenced row is, which archived ones alone can reference.
std::vector<ForeignKey> reach_archives(const std::vector<ForeignKey> &keys, bool is_parent_archived);

// SQL: what ON DELETE SET NULL or SET DEFAULT sets in a referencing row, for UPDATE ... SET.
std::string make_ended_link(pg::Spi &spi, const ForeignKey &key);

// A column of a foreign key that is generated from another column of its table.
struct GeneratedLink {
    std::string key; // the names as they are, not quoted
    std::string column;
};

// The first such column of a key that references the table or is its own, generated from this column of the table's, which
// is quoted. Not of keys that refuse the change themselves, or that need not find their links again: those with no action
// but NO ACTION and RESTRICT, and the table's own without ON DELETE CASCADE.
std::optional<GeneratedLink> find_generated_link(pg::Spi &spi, Oid relation, const std::string &from);

// LinkColumns::partition of a key that is about this table.
std::string make_partition_condition(pg::Spi &spi, Oid relation);

// SQL: " AND alias.tableoid ..." where the key is about one partition of that side; else empty.
std::string restrict_to_partition(const char *alias, const LinkColumns &side);

// SQL: joins child rows "c" to their parent as "p", be it deleted or not, by one look-up of the key for each child. A
// join that knows that "p" is deleted would begin with all deleted rows of the table, as long as statistics say that
// there is none: quadratic just after a large deletion. The parent is registered.
std::string join_parent(const ForeignKey &key);

} // namespace softdelete::catalog
