// Text from patterns and lists, by Boost.
#include "sqltext/format.hpp"

#include "sqltext/fragments.hpp"

#include <boost/algorithm/string/join.hpp>
#include <boost/format.hpp>

#include <ostream>

namespace softdelete::sqltext {

namespace {

// A stream that runs out of memory keeps silent and goes on without the text, unless it is told to throw.
struct Whole {
    std::string_view text;
};

std::ostream &operator<<(std::ostream &stream, const Whole &argument) {
    stream.exceptions(std::ios_base::badbit);
    return stream << argument.text;
}

} // namespace

Argument::Argument(const Fragment &fragment) : text_(fragment.text()) {}

std::string format_arguments(Pattern pattern, std::initializer_list<Argument> arguments) {
    boost::format text(pattern.text());
    for (const Argument &argument : arguments) {
        text % Whole{argument.text()};
    }
    return text.str();
}

std::string join(const std::vector<std::string> &texts, const char *separator) {
    return boost::algorithm::join(texts, separator);
}

} // namespace softdelete::sqltext
