// Keeps answers by query and parameters. Called by catalog/ and registry/ for what commands on rows ask of tables; commands that
// change definitions ask the server.
#include "catalog/definitions.hpp"

#include "pg/definition_changes.hpp"

extern "C" {
#include "access/xact.h"
}

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace softdelete::catalog {

namespace {

using Parameters = std::vector<std::optional<std::string>>;
using Question = std::pair<Parameters, std::size_t>; // the number of the query

// The texts of these queries are constants, some of several thousand bytes: each is kept once.
std::size_t number_query(const std::string &sql) {
    static std::unordered_map<std::string, std::size_t> numbers;
    return numbers.try_emplace(sql, numbers.size()).first->second;
}

Question make_question(const std::string &sql, const std::vector<pg::Parameter> &parameters) {
    Question question = {{}, number_query(sql)};
    for (const pg::Parameter &parameter : parameters) {
        Assert(!parameter.datum());
        question.first.push_back(parameter.value());
    }
    return question;
}

// Answers in two generations. When there are many recent ones, those that nobody has asked for since the last time go.
class Answers {
public:
    // The answer; null where there is none. It stays until the next call of a member.
    const pg::Rows *find(const Question &question) {
        if (auto place = recent_.find(question); place != recent_.end()) {
            return &place->second;
        }
        auto place = former_.find(question);
        return place == former_.end() ? nullptr : &keep(question, pg::Rows(std::move(place->second)));
    }

    const pg::Rows &keep(const Question &question, pg::Rows rows) {
        if (recent_.size() >= most_recent) {
            former_ = std::move(recent_);
            recent_.clear();
        }
        return recent_.insert_or_assign(question, std::move(rows)).first->second;
    }

    void clear() {
        recent_.clear();
        former_.clear();
    }

private:
    static constexpr std::size_t most_recent = 2000;

    std::map<Question, pg::Rows> recent_;
    std::map<Question, pg::Rows> former_;
};

} // namespace

pg::Rows read_definitions(pg::Spi &spi, const std::string &sql,
                          const std::vector<pg::Parameter> &parameters) {
    static Answers answers;
    static std::uint64_t known_at = 0;
    if (spi.is_read_only()) { // sees the catalogs as they were
        return spi.query_kept(sql, parameters);
    }
    std::uint64_t changes = pg::call([] {
        CommandCounterIncrement(); // as the query would: what this transaction has changed is there to be seen
        return pg::count_definition_changes();
    });
    if (changes != known_at) {
        answers.clear();
        known_at = changes;
    }
    const Question question = make_question(sql, parameters);
    if (const pg::Rows *known = answers.find(question)) {
        return *known;
    }
    pg::Rows rows = spi.query_kept(sql, parameters);
    if (pg::call([] { return pg::count_definition_changes(); }) == known_at) {
        return answers.keep(question, std::move(rows));
    }
    return rows;
}

} // namespace softdelete::catalog
