// Text from a pattern and its arguments, for SQL and for messages. The only user of Boost.Format and Boost.Algorithm, which
// take long to compile, so that they are compiled once.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace softdelete::sqltext {

class Fragment;

// What a place of a pattern can take: text, a fragment of SQL or a whole number. Lives as long as the call.
class Argument {
public:
    Argument(const std::string &text) : text_(text) {}

    Argument(std::string_view text) : text_(text) {}

    Argument(const char *text) : text_(text) {}

    Argument(const Fragment &fragment);
    Argument(bool) = delete;

    template <std::integral Number>
    Argument(Number number) : number_(std::to_string(number))
                            , text_(number_) {}

    Argument(const Argument &) = delete;
    Argument &operator=(const Argument &) = delete;

    std::string_view text() const { return text_; }

private:
    std::string number_;
    std::string_view text_;
};

// A pattern is a constant of the source: text that was made while the program runs, with names in it that somebody chose,
// does not compile here.
class Pattern {
public:
    consteval Pattern(const char *text) : text_(text) {}

    const char *text() const { return text_; }

private:
    const char *text_;
};

// The pattern with %1%, %2% ... replaced by the arguments; %% stands for a percent sign. An argument that the pattern
// does not name, or a place without an argument, is a mistake of the caller's: boost::io::format_error.
std::string format_arguments(Pattern pattern, std::initializer_list<Argument> arguments);

template <typename... Values>
std::string format(Pattern pattern, const Values &...values) {
    return format_arguments(pattern, {Argument(values)...});
}

// The texts with a separator between them.
std::string join(const std::vector<std::string> &texts, const char *separator);

} // namespace softdelete::sqltext
