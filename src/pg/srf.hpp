// What SQL-callable functions get and give: arguments as owned values, and a set of rows as their result.
#pragma once

#include "pg/boundary.hpp"

extern "C" {
#include "nodes/execnodes.h"
}

#include <optional>
#include <string>
#include <vector>

namespace softdelete::pg {

// The arguments of the call, by number from 0, copied. Readers other than optional ones raise 22004 for NULL, naming the
// argument.
class Arguments {
public:
    explicit Arguments(FunctionCallInfo call) : call_(call) {}

    // A relation's OID, which need not exist.
    Oid relation(int number, const char *name) const;
    bool boolean(int number, const char *name) const;
    // A value of any type but arrays, in the text that its type's output function makes.
    std::string text(int number, const char *name) const;
    std::vector<std::string> names(int number, const char *name) const;

    std::optional<bool> optional_boolean(int number) const;
    std::optional<std::string> optional_text(int number) const;
    std::optional<std::vector<std::string>> optional_names(int number) const;

private:
    bool is_null(int number) const { return call_->args[number].isnull; }

    void require(int number, const char *name) const;

    FunctionCallInfo call_;
};

// The rows that a set-returning function gives back, materialized.
class ResultSet {
public:
    // Raises where the caller cannot take a set.
    explicit ResultSet(FunctionCallInfo call);

    // Adds a row of values in the text form of the result's columns.
    void add(const std::vector<std::optional<std::string>> &values);

private:
    ReturnSetInfo *info_ = nullptr;
};

} // namespace softdelete::pg
