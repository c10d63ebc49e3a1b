// The answers of the registry, and of pg_inherits, for as long as no definition has changed; the registry's tables count as such
// (triggers/own_table).
#include "archive/known_archive.hpp"

#include "pg/definition_changes.hpp"
#include "registry/registry_scan.hpp"

extern "C" {
#include "utils/hsearch.h"
}

namespace softdelete::archive {

namespace {

struct Entry {
    Oid relation; // hash key
    uint64 changes;
    KnownArchive archive;
};

HTAB *known_archives = nullptr;

HTAB *get_known_archives() {
    if (known_archives == nullptr) {
        HASHCTL control = {};
        control.keysize = sizeof(Oid);
        control.entrysize = sizeof(Entry);
        known_archives = hash_create("softdelete archives", 16, &control, HASH_ELEM | HASH_BLOBS);
    }
    return known_archives;
}

} // namespace

KnownArchive find_known_archive(Oid relation) {
    HTAB *known = get_known_archives();
    const uint64 changes = pg::count_definition_changes();
    auto *entry = static_cast<Entry *>(hash_search(known, &relation, HASH_FIND, nullptr));
    if (entry != nullptr && entry->changes == changes) {
        return entry->archive;
    }
    KnownArchive read = {};
    read.table = registry::find_topmost(relation);
    read.is_found = registry::find_archive_row(read.table, &read.row);
    if (pg::count_definition_changes() == changes) {
        entry = static_cast<Entry *>(hash_search(known, &relation, HASH_ENTER, nullptr));
        entry->changes = changes;
        entry->archive = read;
    }
    return read;
}

} // namespace softdelete::archive
