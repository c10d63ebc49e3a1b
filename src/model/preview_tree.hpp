// The preview of a DELETE as an indented tree, for people. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace softdelete::model {

// Rows that a foreign key leads to from the rows of a table one level above.
struct TreeStep {
    int depth; // 0: the row itself
    unsigned parent;
    unsigned table;
    std::string name; // the table's
    std::string key;  // and what it does; empty for the row itself
    std::string action;
    std::uint64_t rows;
};

struct TreeLine {
    std::string text; // indented
    std::uint64_t rows;
    std::string action;
    std::string why;
};

// A table that several keys lead to on one level has what is below it once, where it comes first. The last line is the total:
// how many rows go, or what refuses it.
std::vector<TreeLine> lay_out_tree(const std::vector<TreeStep> &steps);

} // namespace softdelete::model
