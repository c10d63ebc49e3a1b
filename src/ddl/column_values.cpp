// Casts are known by their types; whatever is not known to keep a value may change it.
#include "ddl/column_values.hpp"

#include "pg/compat.hpp"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "nodes/value.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace softdelete::ddl {

namespace {

bool is_one_of(Oid type, std::initializer_list<Oid> types) {
    return std::find(types.begin(), types.end(), type) != types.end();
}

// What a column's values are: the type that its domains stand on, and the collation by which they are equal.
struct ValueType {
    Oid type; // InvalidOid where an expression may make any value
    int32 modifier;
    Oid collation;
};

ValueType without_domains(ValueType value) {
    value.type = getBaseTypeAndTypmod(value.type, &value.modifier);
    return value;
}

// Texts are also equal where their bytes differ: by a collation that is not deterministic.
bool keeps_equality(const ValueType &from, const ValueType &to) {
    auto is_by_bytes = [](Oid collation) {
        return !OidIsValid(collation) || get_collation_isdeterministic(collation);
    };
    return from.collation == to.collation || (is_by_bytes(from.collation) && is_by_bytes(to.collation));
}

// A cast to a shorter varchar cuts blanks off.
bool keeps_length(const ValueType &from, const ValueType &to) {
    return to.type == TEXTOID || to.modifier == -1 || (from.modifier != -1 && from.modifier <= to.modifier);
}

// Numbers are equal whatever their scale, texts are not: 1.0 and 1.00.
bool is_text_by_value(const ValueType &from) {
    return is_one_of(from.type, {INT2OID, INT4OID, INT8OID, UUIDOID})
           || (from.type == NUMERICOID && from.modifier != -1);
}

// A cast to the same type with more room.
bool widens(const ValueType &from, const ValueType &to) {
    if (from.type != to.type || from.modifier == -1) {
        return false;
    }
    if (from.type == NUMERICOID) { // precision and scale, as numerictypmodin() packs them
        int32 before = from.modifier - VARHDRSZ;
        int32 after = to.modifier - VARHDRSZ;
        return (before & 0x7ff) == (after & 0x7ff) && before >> 16 <= after >> 16;
    }
    return is_one_of(from.type, {TIMESTAMPOID, TIMESTAMPTZOID, TIMEOID, TIMETZOID, VARBITOID})
           && from.modifier <= to.modifier;
}

// Does each value stay what it is as text, and equal to the same ones? An expression, and most casts, may change either.
bool keeps_values(const ValueType &from, const ValueType &to) {
    bool is_integer = is_one_of(from.type, {INT2OID, INT4OID, INT8OID});
    bool is_text = is_one_of(from.type, {TEXTOID, VARCHAROID});
    bool keeps_text = (is_integer && is_one_of(to.type, {INT2OID, INT4OID, INT8OID}))
                      || (is_integer && to.type == NUMERICOID && to.modifier == -1)
                      || ((is_text || is_text_by_value(from)) && is_one_of(to.type, {TEXTOID, VARCHAROID})
                          && (!is_text || keeps_length(from, to)))
                      || (from.type == to.type && (to.modifier == -1 || to.modifier == from.modifier))
                      || widens(from, to);
    return keeps_text && keeps_equality(from, to);
}

// Is USING the column itself, or its cast to the new type?
bool is_plain(const Node *expression, const ColumnDef *column, const char *name) {
    if (IsA(expression, TypeCast)) {
        const auto *cast = castNode(TypeCast, const_cast<Node *>(expression));
        return equal(cast->typeName, column->typeName) && is_plain(cast->arg, column, name);
    }
    if (!IsA(expression, ColumnRef)) {
        return false;
    }
    const List *fields = castNode(ColumnRef, const_cast<Node *>(expression))->fields;
    return list_length(fields) == 1 && IsA(linitial(fields), String)
           && strcmp(strVal(linitial(fields)), name) == 0;
}

// What a command makes of a column without an expression. What the server will not accept is an error here already.
ValueType get_new_type(const AlterTableCmd *command) {
    ValueType value = {};
    auto *column = castNode(ColumnDef, command->def);
    Type type = LookupTypeName(nullptr, column->typeName, &value.modifier, true);
    if (type == nullptr) {
        return value;
    }
    value.type = typeTypeId(type);
    ReleaseSysCache(type);
    value.collation = GetColumnDefCollation(nullptr, column, value.type);
    return without_domains(value);
}

// False where the relation has no such column.
bool get_old_type(const AlterTableCmd *command, Oid relation, ValueType *value) {
    AttrNumber column = get_attnum(relation, command->name);
    if (column == InvalidAttrNumber) {
        return false;
    }
    get_atttypetypmodcoll(relation, column, &value->type, &value->modifier, &value->collation);
    *value = without_domains(*value);
    return true;
}

} // namespace

bool changes_values(const AlterTableCmd *command, Oid relation, Using clause) {
    bool sets_expression = pg::compat::sets_expression(command);
    ValueType from = {};
    if ((command->subtype != AT_AlterColumnType && !sets_expression)
        || !get_old_type(command, relation, &from)) {
        return false;
    }
    const auto *column = sets_expression ? nullptr : castNode(ColumnDef, command->def);
    if (column == nullptr
        || (column->raw_default != nullptr
            && (clause == Using::changes || !is_plain(column->raw_default, column, command->name)))) {
        return true;
    }
    ValueType to = get_new_type(command);
    return !OidIsValid(to.type) || !keeps_values(from, to);
}

bool changes_type(const AlterTableCmd *command, Oid relation) {
    ValueType from = {};
    if (command->subtype != AT_AlterColumnType || !get_old_type(command, relation, &from)) {
        return false;
    }
    ValueType to = get_new_type(command);
    return from.type != to.type || from.collation != to.collation;
}

} // namespace softdelete::ddl
