// Reads the values of a row, which came as text, as what they are; and the row that a result must have.
#include "pg/row.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

namespace softdelete::pg {

namespace {

// Outside of Row, whose member text() hides the server's type of that name.
const char *copy_element(Datum element) {
    return call([&] { return TextDatumGetCString(element); });
}

} // namespace

const std::string &Row::text(std::size_t column) const {
    const std::optional<std::string> &value = values_.at(column);
    if (!value) {
        raise({ERRCODE_INTERNAL_ERROR, "unexpected null value in a result of softdelete's own query"});
    }
    return *value;
}

std::string Row::text_or(std::size_t column, const std::string &otherwise) const {
    return values_.at(column).value_or(otherwise);
}

std::int64_t Row::number(std::size_t column) const {
    return std::stoll(text(column));
}

Oid Row::oid(std::size_t column) const {
    return static_cast<Oid>(std::stoul(text(column)));
}

bool Row::boolean(std::size_t column) const {
    return text(column) == "t";
}

std::vector<std::string> Row::array(std::size_t column) const {
    const std::string &literal = text(column);

    struct Elements {
        Datum *values;
        int count;
    };

    Elements elements = call([&] {
        Oid input = InvalidOid;
        Oid parameter = InvalidOid;
        getTypeInputInfo(TEXTARRAYOID, &input, &parameter);
        Datum array = OidInputFunctionCall(input, const_cast<char *>(literal.c_str()), parameter, -1);
        Elements result = {};
        deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &result.values,
                          nullptr, &result.count);
        return result;
    });
    std::vector<std::string> items;
    for (int i = 0; i < elements.count; i++) {
        items.emplace_back(copy_element(elements.values[i]));
    }
    return items;
}

const Row &Rows::front() const {
    if (empty()) {
        raise({.sqlstate = ERRCODE_T_R_SERIALIZATION_FAILURE,
               .message = "could not find what another transaction has removed or changed meanwhile",
               .hint = "Run the command again."});
    }
    return std::vector<Row>::front();
}

} // namespace softdelete::pg
