// Calls the output and input functions of the key's types under the settings of pg::ExactTextScope.
#include "history/key_text.hpp"

#include "pg/boundary.hpp"
#include "pg/scopes.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"
}

namespace softdelete::history {

namespace {

Datum write_value(Oid type, Datum value) {
    Oid output = InvalidOid;
    bool is_varlena = false;
    getTypeOutputInfo(type, &output, &is_varlena);
    return CStringGetTextDatum(OidOutputFunctionCall(output, value));
}

} // namespace

Datum write_key(const TrackedTable &table, HeapTuple row, TupleDesc columns) {
    return pg::entry([&] {
        pg::ExactTextScope exact;
        return pg::call([&] {
            Datum texts[INDEX_MAX_KEYS];
            for (int i = 0; i < table.key_count; i++) {
                bool is_null = true;
                Datum value = heap_getattr(row, table.key[i].source, columns, &is_null);
                texts[i] = write_value(table.key[i].type, value);
            }
            return PointerGetDatum(construct_array(texts, table.key_count, TEXTOID, -1, false, TYPALIGN_INT));
        });
    });
}

// Of no length or precision: what an entry has may come from a time in which the column had another one.
Datum read_key_value(const KeyColumn &column, const char *text) {
    Oid input = InvalidOid;
    Oid parameter = InvalidOid;
    getTypeInputInfo(column.type, &input, &parameter);
    return OidInputFunctionCall(input, const_cast<char *>(text), parameter, -1);
}

bool is_same_key(const TrackedTable &table, TupleDesc history, const Datum *one, const Datum *other) {
    for (int i = 0; i < table.key_count; i++) {
        Oid collation = table.key[i].number == 0
                            ? get_typcollation(table.key[i].type)
                            : TupleDescAttr(history, table.key[i].number - 1)->attcollation;
        TypeCacheEntry *type = lookup_type_cache(table.key[i].type, TYPECACHE_EQ_OPR_FINFO);
        if (!OidIsValid(type->eq_opr_finfo.fn_oid)
            || !DatumGetBool(FunctionCall2Coll(&type->eq_opr_finfo, collation, one[i], other[i]))) {
            return false;
        }
    }
    return true;
}

bool read_key(const TrackedTable &table, Datum texts, Datum *values) {
    return pg::entry([&] {
        pg::ExactTextScope exact;
        return pg::call([&] {
            Datum *elements = nullptr;
            int count = 0;
            deconstruct_array(DatumGetArrayTypeP(texts), TEXTOID, -1, false, TYPALIGN_INT, &elements, nullptr,
                              &count);
            for (int i = 0; count == table.key_count && i < count; i++) {
                values[i] = read_key_value(table.key[i], TextDatumGetCString(elements[i]));
            }
            return count == table.key_count;
        });
    });
}

} // namespace softdelete::history
