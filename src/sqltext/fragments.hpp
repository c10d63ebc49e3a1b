// SQL text is put together from typed fragments only, each of which is already fit to stand in a statement. A plain
// string is no fragment: it has to become one by quoting (see catalog/quoting.hpp).
#pragma once

#include "sqltext/format.hpp"

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace softdelete::sqltext {

class Fragment {
public:
    const std::string &text() const { return text_; }

protected:
    explicit Fragment(std::string text) : text_(std::move(text)) {}

private:
    std::string text_;
};

// A quoted name.
struct Identifier : Fragment {
    explicit Identifier(std::string quoted) : Fragment(std::move(quoted)) {}
};

// A quoted name with its schema.
struct QualifiedName : Fragment {
    QualifiedName(const Identifier &schema, const Identifier &name)
        : Fragment(schema.text() + "." + name.text()) {}
};

// A string constant.
struct Literal : Fragment {
    explicit Literal(std::string quoted) : Fragment(std::move(quoted)) {}
};

// SQL that the server deparsed, or that was made from fragments: an expression, a type, a part of a definition.
struct Expression : Fragment {
    explicit Expression(std::string sql) : Fragment(std::move(sql)) {}
};

// A complete statement without its semicolon.
struct Statement : Fragment {
    explicit Statement(std::string sql) : Fragment(std::move(sql)) {}
};

template <typename T>
concept IsFragment = std::is_base_of_v<Fragment, T>;

// Boost.Format patterns: %1%, %2% ...
template <IsFragment... Fragments>
Statement statement(Pattern pattern, const Fragments &...fragments) {
    return Statement(format(pattern, fragments...));
}

template <IsFragment... Fragments>
Expression expression(Pattern pattern, const Fragments &...fragments) {
    return Expression(format(pattern, fragments...));
}

// The fragments with a comma between them.
template <IsFragment T>
Expression list(const std::vector<T> &fragments) {
    std::string text;
    for (const T &fragment : fragments) {
        text += (text.empty() ? "" : ", ") + fragment.text();
    }
    return Expression(text);
}

} // namespace softdelete::sqltext
