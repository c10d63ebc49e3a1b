// The only way to run SQL. Every statement is parsed with the settings held still that its meaning depends on
// (pg::PinnedScope), whoever calls. Two shapes: the class Spi for the commands, where every value goes in and comes out as
// text, copied into C++ at once, so that nothing refers to SPI's memory; and functions for plain server code at the end,
// where plans are kept and run per row.
#pragma once

#include "pg/boundary.hpp"
#include "pg/kept_answers.hpp"
#include "pg/row.hpp"
#include "pg/scopes.hpp"

extern "C" {
#include "utils/portal.h"
#include "utils/snapshot.h"
}

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

struct _SPI_plan; // executor/spi.h

namespace softdelete::pg {

// A parameter: text, or nothing for NULL. Numbers and OIDs convert themselves. In SQL, cast it: $1::regclass. Where the
// planner must know a value whose cast is not immutable, as that of an array, give the type.
class Parameter {
public:
    Parameter(std::nullopt_t) {}

    Parameter(const char *value) : value_(value) {}

    Parameter(std::string value) : value_(std::move(value)) {}

    Parameter(std::optional<std::string> value) : value_(std::move(value)) {}

    Parameter(std::int64_t value) : value_(std::to_string(value)) {}

    Parameter(Oid value) : value_(std::to_string(value)) {}

    Parameter(bool value) : value_(value ? "true" : "false") {}

    Parameter(std::string value, Oid type) : value_(std::move(value)), type_(type) {}

    // A value as the server has it, which outlives the statement: no code of its type's runs.
    Parameter(Datum datum, Oid type, bool is_null) : type_(type) {
        if (!is_null) {
            datum_ = datum;
        }
    }

    const std::optional<std::string> &value() const { return value_; }

    const std::optional<Datum> &datum() const { return datum_; }

    bool is_null() const { return !value_ && !datum_; }

    Oid type() const { return type_; } // InvalidOid: text

private:
    std::optional<std::string> value_;
    std::optional<Datum> datum_;
    Oid type_ = InvalidOid;
};

// A statement that was parsed once, to run many times. Belongs to the connection that prepared it and ends with it, unless it
// is kept.
class PreparedQuery {
public:
    PreparedQuery(const PreparedQuery &) = delete;
    PreparedQuery &operator=(const PreparedQuery &) = delete;
    PreparedQuery(PreparedQuery &&) = default;

    // Runs it and returns its rows, or how many it processed. Takes as many parameters as it was prepared with.
    Rows query(const std::vector<Parameter> &parameters) const;
    std::uint64_t execute(const std::vector<Parameter> &parameters) const;

    // From now on it belongs to the session rather than to the connection, until it is freed. Nothing may be running it then.
    void keep() const;
    void free() const noexcept;

    // False where something that it depends on has changed: the server would parse it anew as whoever runs it.
    bool is_valid() const;

    // Its references say themselves whose policies apply: another role that runs it need not parse it again.
    void note_independent_of_role() const;

    _SPI_plan *plan() const { return plan_; }

private:
    friend class Spi;

    void run(const std::vector<Parameter> &parameters) const;

    PreparedQuery(_SPI_plan *plan, std::size_t parameters) : plan_(plan), parameters_(parameters) {}

    _SPI_plan *plan_;
    std::size_t parameters_;
};

// non_atomic: for commands that commit in between (pg/transactions.hpp).
enum class SpiMode { atomic, non_atomic };

// An SPI connection for the lifetime of the object, with the session pinned. Connections nest. Which role a statement runs
// as is said by the scope around it (pg::UserScope, pg::OwnerScope); without one it is the current user.
class Spi {
public:
    explicit Spi(SpiMode mode = SpiMode::atomic);
    ~Spi();
    Spi(const Spi &) = delete;
    Spi &operator=(const Spi &) = delete;

    // Runs a statement and returns its rows (of a SELECT or a RETURNING).
    Rows query(const std::string &sql, std::initializer_list<Parameter> parameters = {});
    Rows query(const std::string &sql, const std::vector<Parameter> &parameters);

    // The same for a query whose text and types of parameters never change: the session keeps one plan of it for all
    // parameters. For those on catalogs and on our own tables, which take longer to plan than to run. It must not name objects
    // that come and go by constants of the types regproc, regnamespace and the like, of which the server does not see that they
    // are outdated.
    Rows query_kept(const std::string &sql, const std::vector<Parameter> &parameters = {});

    std::uint64_t execute_kept(const std::string &sql, const std::vector<Parameter> &parameters);

    // The same for a SELECT that locks rows as they are now, whatever they were when the transaction took its snapshot.
    Rows query_latest(const std::string &sql, const std::vector<Parameter> &parameters);

    // Runs a statement and returns its first row as parameters for another one; nothing where there is none. They live as long
    // as the connection.
    std::vector<Parameter> query_values(const std::string &sql, const std::vector<Parameter> &parameters);

    // Runs a statement and returns how many rows it processed.
    std::uint64_t execute(const std::string &sql, std::initializer_list<Parameter> parameters = {});
    std::uint64_t execute(const std::string &sql, const std::vector<Parameter> &parameters);

    // From now on statements see what the innermost pg::SnapshotScope shows, and nothing newer. They must not write.
    void set_read_only(bool is_read_only) { is_read_only_ = is_read_only; }

    bool is_read_only() const { return is_read_only_; }

    // From now on query_kept() answers what the same role has asked before, until a definition changes, by what it found then:
    // for a command that looks at many tables and writes nothing.
    void keep_answers() {
        answers_.emplace([this](const auto &sql, const auto &parameters) { return ask(sql, parameters); });
    }

    // The tables that this command is going to look at, one by one: what is asked of all is asked of many at once.
    void set_subjects(const std::vector<Subject> &subjects) { answers_->set_subjects(subjects); }

    // Parses a statement with parameters of these types. The role in force is the one whose policies it plans with.
    PreparedQuery prepare(const std::string &sql, const std::vector<Oid> &types);

    // The same, planned once without a look at the parameters.
    PreparedQuery prepare_generic(const std::string &sql, const std::vector<Oid> &types);

private:
    PreparedQuery prepare(const std::string &sql, const std::vector<Oid> &types, int options);
    void run(const std::string &sql, const std::vector<Parameter> &parameters);
    void run_kept(const std::string &sql, const std::vector<Parameter> &parameters);
    Rows ask(const std::string &sql, const std::vector<Parameter> &parameters);

    // Where the connection commits in between, each statement is pinned for itself.
    std::optional<PinnedScope> pinned_;
    bool is_read_only_ = false;
    std::optional<KeptAnswers> answers_;
};

// For plain server code, where an error jumps over destructors.

// Called with the text of a statement and the plan that was made to run it once, which has a copy of the text, before it
// runs; with null for the plan afterwards, but not after an error. session/own_statement installs it at load.
using KeptTextHook = void (*)(const char *text, _SPI_plan *plan);
void install_kept_text_hook(KeptTextHook hook) noexcept;

// SPI_finish() or the abort ends it.
void connect_spi(int options = 0);

// Parses a statement, pinned and as the current user. Never returns null.
_SPI_plan *prepare_plan(const char *sql, int parameters, Oid *types, int cursor_options = 0);

// The plan's references say themselves whose policies apply, or none do: another role that runs it need not parse it anew.
void note_independent_of_role(_SPI_plan *plan);

// Runs such a plan as it was parsed, under the search_path in force, which is that of the triggers that it fires: the
// server would parse it anew under another path. Where its tables have changed meanwhile the server does; callers that
// keep plans ask SPI_plan_is_valid() and prepare it again. Raises where SPI says that it failed, else returns SPI's code.
int run_plan(_SPI_plan *plan, const Datum *values, bool is_read_only = false, long limit = 0,
             Snapshot snapshot = InvalidSnapshot, Snapshot crosscheck = InvalidSnapshot,
             bool fires_triggers = true);

// Parses a statement, pinned, and runs it with these values, none of them NULL.
int execute_pinned(const char *sql, int parameters, Oid *types, Datum *values);
Portal open_cursor_pinned(const char *sql, int parameters, Oid *types, Datum *values);

// The array literal of the values, as a parameter for $1::name[] or $1::text[].
std::string make_array(const std::vector<std::string> &values);

} // namespace softdelete::pg
