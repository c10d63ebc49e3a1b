// What a query has found: copies, which refer to none of SPI's memory.
#pragma once

#include "pg/boundary.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::pg {

// One row of a result, by column number from 0. The readers raise where the value is NULL, text_or() does not.
class Row {
public:
    explicit Row(std::vector<std::optional<std::string>> values) : values_(std::move(values)) {}

    bool is_null(std::size_t column) const { return !values_.at(column).has_value(); }

    const std::optional<std::string> &value(std::size_t column) const { return values_.at(column); }

    const std::string &text(std::size_t column) const;
    std::string text_or(std::size_t column, const std::string &otherwise) const;
    std::int64_t number(std::size_t column) const;
    Oid oid(std::size_t column) const;
    bool boolean(std::size_t column) const;
    // The elements of a one-dimensional array of text, name or the like.
    std::vector<std::string> array(std::size_t column) const;

    // The row less its first column.
    Row without_first() const { return Row({values_.begin() + 1, values_.end()}); }

private:
    std::vector<std::optional<std::string>> values_;
};

// The rows of a result. front() is for a query that finds one by what its caller has seen or locked: where another transaction
// took that away meanwhile, it raises 40001.
class Rows : public std::vector<Row> {
public:
    const Row &front() const;
};

} // namespace softdelete::pg
