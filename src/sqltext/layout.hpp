// SQL and remarks as lines that fit beside the other columns of a table of steps at 100 columns. For people: what
// runs is not laid out.
#pragma once

#include <string>

namespace softdelete::sqltext {

// The statement with line breaks in place of spaces, before a clause where that is possible, never inside quotes.
// Further lines are indented. A word that is longer than the width stays whole.
std::string lay_out(const std::string &statement);

// The text as comment lines.
std::string lay_out_remark(const std::string &text);

} // namespace softdelete::sqltext
