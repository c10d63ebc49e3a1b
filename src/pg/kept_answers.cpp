// Names the questions that pg::Spi keeps the answers to.
#include "pg/kept_answers.hpp"

#include "pg/spi.hpp"

namespace softdelete::pg {

std::optional<std::string> name_question(const std::string &sql, const std::vector<Parameter> &parameters) {
    std::string question = std::to_string(call([] { return GetUserId(); })) + sql;
    for (const Parameter &parameter : parameters) {
        if (parameter.datum()) {
            return std::nullopt;
        }
        question += parameter.value()
                        ? '=' + std::to_string(parameter.value()->size()) + ':' + *parameter.value()
                        : "-";
    }
    return question;
}

} // namespace softdelete::pg
