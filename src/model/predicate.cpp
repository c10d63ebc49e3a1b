// Adds, finds and removes the condition of live rows in an index predicate, as the server deparses predicates. Text, since
// what comes out is text: part of a statement that is shown, run, and compared with what pg_get_expr() says of an index that
// is there. pg_get_expr() puts every AND and each of its operands in parentheses, so that a reader of parentheses and quotes
// is all that it takes.
#include "model/predicate.hpp"

#include <algorithm>
#include <string_view>

namespace softdelete::model {

namespace {

constexpr std::string_view conjunction = " AND ";

std::string conjoin(const std::vector<std::string> &conditions) {
    if (conditions.size() == 1) {
        return conditions.front();
    }
    std::string text = "(";
    for (const std::string &condition : conditions) {
        text += text.size() == 1 ? std::string_view() : conjunction;
        text += condition;
    }
    return text + ")";
}

// Walks over text outside of quotes, with the depth of parentheses.
class Scanner {
public:
    explicit Scanner(const std::string &text) : text_(text) {}

    // Goes to the next character that is outside of quotes. False at the end.
    bool next() {
        while (++position_ < text_.size()) {
            char character = text_[position_];
            if (quote_ != '\0') {
                quote_ = character == quote_ ? '\0' : quote_;
                continue;
            }
            if (character == '\'' || character == '"') {
                quote_ = character;
                continue;
            }
            depth_ += character == '(' ? 1 : character == ')' ? -1 : 0;
            return true;
        }
        return false;
    }

    std::size_t position() const { return position_; }

    int depth() const { return depth_; }

private:
    const std::string &text_;
    std::size_t position_ = std::string::npos;
    int depth_ = 0;
    char quote_ = '\0';
};

} // namespace

std::vector<std::string> split_predicate(const std::string &predicate) {
    std::vector<std::string> conditions;
    std::size_t start = 1;
    Scanner scanner(predicate);
    while (scanner.next()) {
        if (scanner.depth() == 0 && scanner.position() + 1 < predicate.size()) {
            return {predicate}; // the outer parentheses, if any, do not span it
        }
        if (scanner.depth() == 1
            && predicate.compare(scanner.position(), conjunction.size(), conjunction) == 0) {
            conditions.push_back(predicate.substr(start, scanner.position() - start));
            start = scanner.position() + conjunction.size();
        }
    }
    if (conditions.empty()) {
        return {predicate};
    }
    conditions.push_back(predicate.substr(start, predicate.size() - 1 - start));
    return conditions;
}

std::string add_condition(const std::optional<std::string> &predicate, const std::string &condition) {
    std::vector<std::string> conditions =
        predicate ? split_predicate(*predicate) : std::vector<std::string>();
    conditions.push_back(condition);
    return conjoin(conditions);
}

std::optional<std::string> remove_condition(const std::string &predicate, const std::string &condition) {
    std::vector<std::string> conditions = split_predicate(predicate);
    auto found = std::find(conditions.rbegin(), conditions.rend(), condition);
    if (found != conditions.rend()) {
        conditions.erase(std::next(found).base());
    }
    return conditions.empty() ? std::nullopt : std::optional<std::string>(conjoin(conditions));
}

bool has_condition(const std::string &predicate, const std::string &condition) {
    std::vector<std::string> conditions = split_predicate(predicate);
    return std::find(conditions.begin(), conditions.end(), condition) != conditions.end();
}

} // namespace softdelete::model
