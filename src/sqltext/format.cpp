// Text from a pattern, by Boost.Format.
#include "sqltext/format.hpp"

#include "sqltext/fragments.hpp"

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

} // namespace softdelete::sqltext
