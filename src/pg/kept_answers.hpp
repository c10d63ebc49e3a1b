// Answers of queries on catalogs that are asked again and again by a command that looks at many tables. Used by pg::Spi.
#pragma once

#include "pg/row.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace softdelete::pg {

class Parameter;

// A table that the command is going to look at.
struct Subject {
    Oid relation;
    Oid owner;
};

// Right for as long as no definition changes; then all are forgotten. Those of our own tables are as old as the first of them.
// What was asked about two subjects is asked about a hundred at once, which spares the server a hundred starts of the query:
// about those that follow in the list and, where their owner asks, are his.
class KeptAnswers {
public:
    // Runs a query as the role in force, with its plan kept.
    using Run = std::function<Rows(const std::string &sql, const std::vector<Parameter> &parameters)>;

    explicit KeptAnswers(Run run) : run_(std::move(run)) {}

    void set_subjects(const std::vector<Subject> &subjects);

    // A query that changes nothing, locks no row, and raises about no subject more than it does about another.
    Rows answer(const std::string &sql, const std::vector<Parameter> &parameters);

private:
    static constexpr std::size_t most_answers = 50000;
    static constexpr std::size_t most_at_once = 100;
    static constexpr std::size_t fewest_at_once = 10; // fewer are not worth the planning

    // Queries about one subject, in the first parameter, which differ in nothing else.
    struct Series {
        std::string first;       // the first one's parameter; empty where none was asked yet
        bool is_refused = false; // they cannot be asked together
    };

    void forget_outdated();
    void ask_ahead(const std::string &sql, const std::vector<Parameter> &parameters);
    std::vector<std::string> choose_subjects(const std::string &sql, const std::vector<Parameter> &parameters,
                                             std::size_t first, bool is_array) const;

    Run run_;
    std::vector<Subject> subjects_;
    std::map<Oid, std::size_t> places_; // of the subjects
    std::unordered_map<std::string, Series> series_;
    std::unordered_map<std::string, Rows> answers_;
    std::uint64_t known_at_ = 0;
};

} // namespace softdelete::pg
