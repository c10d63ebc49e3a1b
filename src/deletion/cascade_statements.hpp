// The kept plans of the cascade, per foreign key: delete or look for children by one key or by many. Plain server code.
#pragma once

#include "catalog/foreign_key_info.hpp"

namespace softdelete::deletion {

// Values of the referenced columns of many rows, column by column.
struct KeyValues {
    int columns;
    int count;
    Datum *values[INDEX_MAX_KEYS];
};

// Soft-deletes the live children of the keys from `first` on, `count` of them, as the child table's owner.
void delete_children(const catalog::ForeignKeyInfo &key, const KeyValues &keys, int first, int count);

// Raises the foreign-key violation where a live child of one of these keys exists. Takes FOR KEY SHARE on it.
void refuse_children(const catalog::ForeignKeyInfo &key, const KeyValues &keys, int first, int count);

// Called at the end of a transaction: what an error has ended runs no more, and its plan can be freed.
void forget_running_plans() noexcept;

// Drops plans that an invalidation has touched. Registers its callbacks once.
void install_cascade_statements();

} // namespace softdelete::deletion
