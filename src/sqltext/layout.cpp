// Breaks lines greedily: each holds as many clauses as fit, or where not even one does, as many words.
#include "sqltext/layout.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace softdelete::sqltext {

namespace {

constexpr std::size_t width = 40;
constexpr std::string_view indent = "  ";
constexpr std::string_view remark_mark = "-- ";

constexpr std::string_view clauses[] = {
    "ADD ",  "AFTER ",  "ALTER ",   "AS SELECT ", "ATTACH ",   "BEFORE ", "DEPENDS ", "DISABLE ",
    "DROP ", "ENABLE ", "EXCLUDE ", "EXECUTE ",   "FOR EACH ", "FROM ",   "IS '",     "IS E'",
    "ON ",   "RENAME ", "SET ",     "UNIQUE (",   "USING ",    "WHEN ",   "WHERE ",   "WITH ",
};

struct Break {
    std::size_t place; // of the space
    bool is_before_clause;
};

bool begins_clause(std::string_view text) {
    return !text.starts_with("ON EXTENSION ")
           && std::any_of(std::begin(clauses), std::end(clauses),
                          [=](std::string_view clause) { return text.starts_with(clause); });
}

// Words that would stand alone at the end of a line.
bool clings_to_next(std::string_view text) {
    constexpr std::string_view words[] = {" COLUMN", " EXECUTE", " FROM", " FUNCTION", " IS"};
    return std::any_of(std::begin(words), std::end(words),
                       [=](std::string_view word) { return text.ends_with(word); });
}

std::vector<Break> find_breaks(std::string_view text, bool is_sql) {
    std::vector<Break> breaks;
    char quote = 0;
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); i++) {
        char character = text[i];
        if (quote != 0) {
            quote = character == quote ? 0 : quote; // a doubled quote ends and begins again
        } else if (is_sql && (character == '\'' || character == '"')) {
            quote = character;
        } else if (character == '(' || character == ')') {
            depth += character == '(' ? 1 : -1;
        } else if (character == ' ' && !(is_sql && clings_to_next(text.substr(0, i)))) {
            breaks.push_back({i, is_sql && depth == 0 && begins_clause(text.substr(i + 1))});
        }
    }
    return breaks;
}

// Where the line that begins there ends; the text's end where the rest fits, or cannot be broken.
std::size_t find_line_end(std::string_view text, const std::vector<Break> &breaks, std::size_t start,
                          std::size_t room) {
    if (text.size() - start <= room) {
        return text.size();
    }
    std::size_t clause = text.size();
    std::size_t word = text.size();
    for (const Break &one : breaks) {
        if (one.place <= start) {
            continue;
        }
        bool fits = one.place - start <= room;
        if (fits && one.is_before_clause) {
            clause = one.place;
        }
        if (fits || word == text.size()) {
            word = one.place;
        }
    }
    return clause != text.size() ? clause : word;
}

std::string break_lines(std::string_view text, bool is_sql, std::string_view first,
                        std::string_view further) {
    const std::vector<Break> breaks = find_breaks(text, is_sql);
    std::string lines(first);
    std::size_t start = 0;
    std::size_t room = width - first.size();
    for (;;) {
        std::size_t end = find_line_end(text, breaks, start, room);
        lines += text.substr(start, end - start);
        if (end == text.size()) {
            return lines;
        }
        lines += "\n";
        lines += further;
        start = end + 1;
        room = width - further.size();
    }
}

} // namespace

std::string lay_out(const std::string &statement) {
    return break_lines(statement, true, "", indent);
}

std::string lay_out_remark(const std::string &text) {
    std::string line = text;
    for (char &character : line) {
        character = character == '\n' || character == '\r' ? ' ' : character;
    }
    return break_lines(line, false, remark_mark, remark_mark);
}

} // namespace softdelete::sqltext
