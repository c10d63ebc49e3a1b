// Keeps what queries have found by their text, their parameters and the role that asked, and asks about several tables at once.
// A query about one of them becomes the part of another one that the server runs for each of a list: it plans it in the same way,
// and what it finds is the same.
#include "pg/kept_answers.hpp"

#include "pg/definition_changes.hpp"
#include "pg/interruptions.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "pg/transactions.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

#include <algorithm>
#include <cctype>

namespace softdelete::pg {

namespace {

// What the role in force asks; nothing where a parameter is not text.
std::optional<std::string> name_question(const std::string &sql, const std::vector<Parameter> &parameters,
                                         std::size_t first = 0) {
    std::string question = std::to_string(call([] { return GetUserId(); })) + sql;
    for (std::size_t i = first; i < parameters.size(); i++) {
        const Parameter &parameter = parameters[i];
        if (parameter.datum()) {
            return std::nullopt;
        }
        question += parameter.value()
                        ? '=' + std::to_string(parameter.value()->size()) + ':' + *parameter.value()
                        : "-";
    }
    return question;
}

std::string write_subject(Oid subject, bool is_array) {
    return is_array ? make_array({std::to_string(subject)}) : std::to_string(subject);
}

// The table that the first parameter names, alone or as the one element of an array; 0 where it names none.
Oid read_subject(const std::vector<Parameter> &parameters, bool *is_array) {
    if (parameters.empty() || !parameters.front().value()
        || (OidIsValid(parameters.front().type()) && parameters.front().type() != OIDARRAYOID)) {
        return InvalidOid;
    }
    const std::string &text = *parameters.front().value();
    *is_array = parameters.front().type() == OIDARRAYOID;
    if (*is_array && text.size() < 5) { // {}
        return InvalidOid;
    }
    const std::string digits = *is_array ? text.substr(2, text.size() - 4) : text;
    if (digits.empty() || digits.size() > 10
        || !std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) {
        return InvalidOid;
    }
    return static_cast<Oid>(std::stoull(digits));
}

// The text with the list's element for $1, but in string constants.
std::string put_subject(const std::string &sql, bool is_array) {
    std::string text;
    bool is_quoted = false;
    for (std::size_t i = 0; i < sql.size(); i++) {
        is_quoted = is_quoted != (sql[i] == '\'');
        if (!is_quoted && sql.compare(i, 2, "$1") == 0
            && (i + 2 == sql.size() || std::isdigit(static_cast<unsigned char>(sql[i + 2])) == 0)) {
            text += is_array ? "(subject.name::pg_catalog.oid[])" : "subject.name";
            i++;
        } else {
            text += sql[i];
        }
    }
    return text;
}

// OFFSET 0 keeps the query apart: the server plans it by itself, for one subject.
std::string ask_of_each(const std::string &sql, bool is_array) {
    return "SELECT subject.place, answer.* FROM pg_catalog.unnest($1) WITH ORDINALITY AS subject (name, "
           "place)"
           " CROSS JOIN LATERAL (SELECT * FROM ("
           + put_subject(sql, is_array) + ") AS q OFFSET 0) AS answer";
}

} // namespace

void KeptAnswers::set_subjects(const std::vector<Subject> &subjects) {
    subjects_ = subjects;
    places_.clear();
    for (std::size_t i = 0; i < subjects.size(); i++) {
        places_.emplace(subjects[i].relation, i);
    }
}

void KeptAnswers::forget_outdated() {
    const std::uint64_t changes = call([] { return count_definition_changes(); });
    if (changes != known_at_ || answers_.size() >= most_answers) {
        answers_.clear();
        known_at_ = changes;
    }
}

Rows KeptAnswers::answer(const std::string &sql, const std::vector<Parameter> &parameters) {
    const auto question = name_question(sql, parameters);
    if (!question) {
        return run_(sql, parameters);
    }
    forget_outdated();
    if (!answers_.contains(*question)) {
        ask_ahead(sql, parameters);
    }
    if (auto place = answers_.find(*question); place != answers_.end()) {
        return place->second;
    }
    return answers_.insert_or_assign(*question, run_(sql, parameters)).first->second;
}

// The first one of a series is asked alone: there may be no second one.
void KeptAnswers::ask_ahead(const std::string &sql, const std::vector<Parameter> &parameters) {
    bool is_array = false;
    const auto place = places_.find(read_subject(parameters, &is_array));
    if (place == places_.end()) {
        return;
    }
    Series &series = series_[(is_array ? "a" : "") + *name_question(sql, parameters, 1)];
    const std::string &name = *parameters.front().value();
    if (series.first.empty()) {
        series.first = name;
    }
    if (series.is_refused || series.first == name) {
        return;
    }
    std::vector<Parameter> each = parameters;
    std::vector<std::string> names = choose_subjects(sql, parameters, place->second, is_array);
    if (names.size() < fewest_at_once) {
        return;
    }
    each.front() = Parameter(make_array(names), TEXTARRAYOID);
    try {
        Subtransaction savepoint;
        const Rows found = run_(ask_of_each(sql, is_array), each);
        savepoint.commit();
        std::vector<Rows> answers(names.size());
        for (const Row &row : found) {
            answers[static_cast<std::size_t>(row.number(0)) - 1].push_back(row.without_first());
        }
        for (std::size_t i = 0; i < names.size(); i++) {
            each.front() = Parameter(names[i], parameters.front().type());
            answers_.insert_or_assign(*name_question(sql, each), std::move(answers[i]));
        }
    } catch (const ServerError &error) {
        if (ends_command(error)) {
            throw;
        }
        series.is_refused = true; // whom it is about is found by asking of each
    }
}

// Those that nothing is known of yet, as the parameters that name them. None where the role in force looks at somebody else's.
std::vector<std::string> KeptAnswers::choose_subjects(const std::string &sql,
                                                      const std::vector<Parameter> &parameters,
                                                      std::size_t first, bool is_array) const {
    const Oid role = call([] { return GetUserId(); });
    const bool is_administrator = role == get_extension_owner();
    std::vector<std::string> names;
    if (!is_administrator && subjects_[first].owner != role) {
        return names;
    }
    std::vector<Parameter> each = parameters;
    for (std::size_t i = first; i < subjects_.size() && names.size() < most_at_once; i++) {
        const std::string name = write_subject(subjects_[i].relation, is_array);
        each.front() = Parameter(name, parameters.front().type());
        if ((is_administrator || subjects_[i].owner == role)
            && !answers_.contains(*name_question(sql, each))) {
            names.push_back(name);
        }
    }
    return names;
}

} // namespace softdelete::pg
