// Text from patterns and lists, by Boost.
#include "sqltext/format.hpp"

#include "sqltext/fragments.hpp"

#include <boost/algorithm/string/join.hpp>
#include <boost/format.hpp>

namespace softdelete::sqltext {

Argument::Argument(const Fragment &fragment) : text_(fragment.text()) {}

std::string format_arguments(const std::string &pattern, std::initializer_list<Argument> arguments) {
    boost::format text(pattern);
    for (const Argument &argument : arguments) {
        text % argument.text();
    }
    return text.str();
}

std::string join(const std::vector<std::string> &texts, const char *separator) {
    return boost::algorithm::join(texts, separator);
}

} // namespace softdelete::sqltext
