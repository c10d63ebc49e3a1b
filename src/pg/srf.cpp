// Arguments and results of SQL-callable functions, as owned values. Used by every file of api/.
#include "pg/srf.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
}

namespace softdelete::pg {

void Arguments::require(int number, const char *name) const {
    if (is_null(number)) {
        raise({ERRCODE_NULL_VALUE_NOT_ALLOWED,
               std::string("argument \"") + name + "\" must not be null",
               {},
               "Give a value, or leave the argument out where it has a default."});
    }
}

Oid Arguments::relation(int number, const char *name) const {
    require(number, name);
    return DatumGetObjectId(call_->args[number].value);
}

bool Arguments::boolean(int number, const char *name) const {
    require(number, name);
    return DatumGetBool(call_->args[number].value);
}

std::string Arguments::text(int number, const char *name) const {
    require(number, name);
    return *optional_text(number);
}

std::vector<std::string> Arguments::names(int number, const char *name) const {
    require(number, name);
    return *optional_names(number);
}

std::optional<bool> Arguments::optional_boolean(int number) const {
    return is_null(number) ? std::nullopt : std::optional<bool>(DatumGetBool(call_->args[number].value));
}

std::optional<std::string> Arguments::optional_text(int number) const {
    if (is_null(number)) {
        return std::nullopt;
    }
    return call([&] {
        Oid output = InvalidOid;
        bool is_varlena = false;
        getTypeOutputInfo(get_fn_expr_argtype(call_->flinfo, number), &output, &is_varlena);
        return OidOutputFunctionCall(output, call_->args[number].value);
    });
}

std::optional<std::vector<std::string>> Arguments::optional_names(int number) const {
    if (is_null(number)) {
        return std::nullopt;
    }

    struct Elements {
        Datum *values;
        bool *nulls;
        int count;
    };

    Elements elements = call([&] {
        Elements result = {};
        deconstruct_array(DatumGetArrayTypeP(call_->args[number].value), NAMEOID, NAMEDATALEN, false,
                          TYPALIGN_CHAR, &result.values, &result.nulls, &result.count);
        return result;
    });
    std::vector<std::string> names;
    for (int i = 0; i < elements.count; i++) {
        if (elements.nulls[i]) {
            raise({ERRCODE_NULL_VALUE_NOT_ALLOWED,
                   "array of names must not contain nulls",
                   {},
                   "Give the names only."});
        }
        names.emplace_back(NameStr(*DatumGetName(elements.values[i])));
    }
    return names;
}

ResultSet::ResultSet(FunctionCallInfo call) : info_(reinterpret_cast<ReturnSetInfo *>(call->resultinfo)) {
    pg::call([&] { InitMaterializedSRF(call, 0); });
}

void ResultSet::add(const std::vector<std::optional<std::string>> &values) {
    std::vector<char *> texts;
    for (const std::optional<std::string> &value : values) {
        texts.push_back(value ? const_cast<char *>(value->c_str()) : nullptr);
    }
    call([&] {
        HeapTuple row = BuildTupleFromCStrings(TupleDescGetAttInMetadata(info_->setDesc), texts.data());
        tuplestore_puttuple(info_->setResult, row);
        heap_freetuple(row);
    });
}

} // namespace softdelete::pg
