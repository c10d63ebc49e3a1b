// Answers of queries on catalogs that are asked again and again by a command that looks at many tables. Used by pg::Spi.
#pragma once

#include "pg/definition_changes.hpp"
#include "pg/row.hpp"

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace softdelete::pg {

class Parameter;

// What the role in force asks; nothing where a parameter is not text.
std::optional<std::string> name_question(const std::string &sql, const std::vector<Parameter> &parameters);

// Right for as long as no definition changes; then all are forgotten. Those of our own tables are as old as the first of them.
class KeptAnswers {
public:
    // The rows of the question; null where it was not asked yet. They stay until the next call of a member.
    const Rows *find(const std::string &question) {
        const std::uint64_t changes = call([] { return count_definition_changes(); });
        if (changes != known_at_ || answers_.size() >= most_answers) {
            answers_.clear();
            known_at_ = changes;
        }
        const auto place = answers_.find(question);
        return place == answers_.end() ? nullptr : &place->second;
    }

    const Rows &keep(const std::string &question, Rows rows) {
        return answers_.insert_or_assign(question, std::move(rows)).first->second;
    }

private:
    static constexpr std::size_t most_answers = 50000;

    std::unordered_map<std::string, Rows> answers_;
    std::uint64_t known_at_ = 0;
};

} // namespace softdelete::pg
