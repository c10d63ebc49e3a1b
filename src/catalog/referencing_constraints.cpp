// Reads pg_constraint once for all tables and keeps what it says of foreign keys until a definition changes. Called by the
// queries of this folder and of registration that look for referencing tables: each would read the whole catalog, so that
// to look at all tables took a time that grows with their square.
#include "catalog/referencing_constraints.hpp"

#include "pg/definition_changes.hpp"

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
}

#include <algorithm>

namespace softdelete::catalog {

namespace {

struct Reference {
    Oid parent;
    Oid constraint;
};

struct References {
    Reference *items;
    std::size_t number;
};

// Plain server code.
References read_references() {
    std::size_t size = 64;
    References found = {static_cast<Reference *>(palloc(size * sizeof(Reference))), 0};
    Relation constraints = table_open(ConstraintRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(constraints, InvalidOid, false, nullptr, 0, nullptr);
    while (HeapTuple row = systable_getnext(scan)) {
        const auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row));
        if (form->contype != CONSTRAINT_FOREIGN) {
            continue;
        }
        if (found.number == size) {
            size *= 2;
            found.items = static_cast<Reference *>(repalloc(found.items, size * sizeof(Reference)));
        }
        found.items[found.number++] = {form->confrelid, form->oid};
    }
    systable_endscan(scan);
    table_close(constraints, AccessShareLock);
    return found;
}

bool is_before(const Reference &left, const Reference &right) {
    return left.parent < right.parent;
}

// Sorted by the referenced table.
const std::vector<Reference> &get_references() {
    static std::vector<Reference> known_references;
    static std::uint64_t references_known_at = 0;
    static bool are_references_known = false;
    const std::uint64_t changes = pg::call([] {
        CommandCounterIncrement(); // as a query would: what this transaction has changed is there to be seen
        return pg::count_definition_changes();
    });
    if (!are_references_known || changes != references_known_at) {
        are_references_known = false;
        const References found = pg::call([] { return read_references(); });
        known_references.assign(found.items, found.items + found.number);
        std::stable_sort(known_references.begin(), known_references.end(), is_before);
        pg::call([&] { pfree(found.items); });
        references_known_at = changes; // what has changed meanwhile is read next time
        are_references_known = true;
    }
    return known_references;
}

struct Oids {
    Oid *items;
    int number;
};

std::vector<Oid> find_inheritors(Oid relation) {
    const Oids found = pg::call([&] {
        List *inheritors = find_all_inheritors(relation, NoLock, nullptr);
        Oids oids = {
            static_cast<Oid *>(palloc(sizeof(Oid) * static_cast<std::size_t>(list_length(inheritors)))), 0};
        ListCell *cell = nullptr;
        foreach (cell, inheritors) {
            oids.items[oids.number++] = lfirst_oid(cell);
        }
        list_free(inheritors);
        return oids;
    });
    std::vector<Oid> inheritors(found.items, found.items + found.number);
    pg::call([&] { pfree(found.items); });
    return inheritors;
}

pg::Parameter make_parameter(const std::vector<std::string> &oids) {
    return pg::Parameter(pg::make_array(oids), OIDARRAYOID);
}

} // namespace

pg::Parameter find_referencing_constraints(pg::Spi &spi, const std::vector<Oid> &tables) {
    std::vector<std::string> parents;
    std::vector<std::string> constraints;
    for (Oid table : tables) {
        for (Oid parent : find_inheritors(table)) {
            parents.push_back(std::to_string(parent));
            if (spi.is_read_only()) {
                continue;
            }
            const std::vector<Reference> &references = get_references();
            auto [first, last] = std::equal_range(references.begin(), references.end(),
                                                  Reference{parent, InvalidOid}, is_before);
            for (; first != last; ++first) {
                constraints.push_back(std::to_string(first->constraint));
            }
        }
    }
    if (spi.is_read_only()) { // sees the catalogs as they were
        for (const pg::Row &row : spi.query_kept("SELECT k.oid FROM pg_catalog.pg_constraint k"
                                                 " WHERE k.contype = 'f' AND k.confrelid = ANY ($1)",
                                                 {make_parameter(parents)})) {
            constraints.push_back(row.text(0));
        }
    }
    return make_parameter(constraints);
}

} // namespace softdelete::catalog
