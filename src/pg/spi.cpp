// SPI behind the boundary.
#include "pg/spi.hpp"

#include "pg/compat.hpp"
#include "pg/scopes.hpp"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"
}

#include <algorithm>
#include <cstring>
#include <exception>
#include <unordered_map>

namespace softdelete::pg {

namespace {

// What a run left behind, with owning copies of nothing: valid until the next run.
struct Result {
    SPITupleTable *table;
    std::uint64_t rows;
};

Rows copy_rows(const Result &result) {
    Rows rows;
    if (result.table == nullptr) {
        return rows;
    }
    rows.reserve(result.rows);
    int columns = result.table->tupdesc->natts;
    for (std::uint64_t i = 0; i < result.rows; i++) {
        std::vector<std::optional<std::string>> values;
        for (int column = 1; column <= columns; column++) {
            const char *text =
                call([&] { return SPI_getvalue(result.table->vals[i], result.table->tupdesc, column); });
            values.push_back(text == nullptr ? std::nullopt : std::optional<std::string>(text));
        }
        rows.emplace_back(std::move(values));
    }
    return rows;
}

Rows take_rows() {
    Result result = {SPI_tuptable, SPI_processed};
    Rows rows = copy_rows(result);
    call([&] { SPI_freetuptable(result.table); });
    return rows;
}

std::uint64_t take_count() {
    std::uint64_t rows = SPI_processed;
    call([] { SPI_freetuptable(SPI_tuptable); });
    return rows;
}

Datum read_value(const char *text, Oid type) {
    Oid input = InvalidOid;
    Oid parameter = InvalidOid;
    getTypeInputInfo(type, &input, &parameter);
    return OidInputFunctionCall(input, const_cast<char *>(text), parameter, -1);
}

// Parameters as SPI takes them; the values are the server's copies.
struct PlanArguments {
    explicit PlanArguments(const std::vector<Parameter> &parameters)
        : types(parameters.size())
        , values(parameters.size(), 0)
        , nulls(parameters.size(), ' ') {
        for (std::size_t i = 0; i < parameters.size(); i++) {
            types[i] = OidIsValid(parameters[i].type()) ? parameters[i].type() : TEXTOID;
            if (parameters[i].datum()) {
                values[i] = *parameters[i].datum();
            } else if (parameters[i].value()) {
                values[i] = call([&] { return read_value(parameters[i].value()->c_str(), types[i]); });
            } else {
                nulls[i] = 'n';
            }
        }
    }

    std::vector<Oid> types;
    std::vector<Datum> values;
    std::string nulls;
};

// Plain server code: raises where SPI says that a statement failed.
void check_code(int code) {
    if (code < 0) {
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("softdelete's own query failed: %s", SPI_result_code_string(code))));
    }
}

// Commands go by what is committed now, or would miss rows that they have to reach. A transaction that has one snapshot must know
// the rows that it changes, which is a serialization failure otherwise: ri_PerformCheck() in src/backend/utils/adt/ri_triggers.c.
int execute_plan(SPIPlanPtr plan, const PlanArguments &arguments) {
    Snapshot test = InvalidSnapshot;
    Snapshot crosscheck = InvalidSnapshot;
    if (IsolationUsesXactSnapshot()) {
        CommandCounterIncrement();
        test = GetLatestSnapshot();
        crosscheck = GetTransactionSnapshot();
    }
    return SPI_execute_snapshot(plan, const_cast<Datum *>(arguments.values.data()), arguments.nulls.c_str(),
                                test, crosscheck, false, true, 0);
}

// What looks for rows of the caller's begins so.
constexpr char row_text[] = "/* softdelete */";

// Plain server code: does the statement lock rows of the caller's?
bool locks_rows(SPIPlanPtr plan) {
    const auto *source = static_cast<CachedPlanSource *>(linitial(SPI_plan_get_plan_sources(plan)));
    const Node *statement = source->raw_parse_tree->stmt;
    return strncmp(source->query_string, row_text, strlen(row_text)) == 0 && IsA(statement, SelectStmt)
           && castNode(SelectStmt, const_cast<Node *>(statement))->lockingClause != NIL;
}

// Rows of the caller's are locked to be changed. What his snapshot shows and somebody has changed since is a serialization
// failure as well, as it is for a statement of his own: that is run first.
int execute_for_caller(SPIPlanPtr plan, const PlanArguments &arguments) {
    if (IsolationUsesXactSnapshot() && locks_rows(plan)) {
        check_code(SPI_execute_plan(plan, const_cast<Datum *>(arguments.values.data()),
                                    arguments.nulls.c_str(), false, 0));
        SPI_freetuptable(SPI_tuptable);
    }
    return execute_plan(plan, arguments);
}

KeptTextHook kept_text_hook = nullptr;

// Within the one SPI connection, planned with the values at hand.
int execute_once(const char *sql, PlanArguments &arguments, bool is_latest, bool is_read_only) {
    int count = static_cast<int>(arguments.types.size());
    if (is_read_only || !IsolationUsesXactSnapshot()) {
        return SPI_execute_with_args(sql, count, arguments.types.data(), arguments.values.data(),
                                     arguments.nulls.c_str(), is_read_only, 0);
    }
    SPIPlanPtr plan = prepare_plan(sql, count, arguments.types.data());
    kept_text_hook(sql, plan);
    int code = is_latest ? execute_plan(plan, arguments) : execute_for_caller(plan, arguments);
    kept_text_hook(sql, nullptr);
    SPI_freeplan(plan);
    return code;
}

// Kept for the session; the server plans it anew when what it reads has changed.
SPIPlanPtr get_kept_plan(const std::string &sql, const std::vector<Oid> &types) {
    static std::unordered_map<std::string, SPIPlanPtr> kept_plans;
    auto found = kept_plans.find(sql);
    if (found == kept_plans.end()) {
        SPIPlanPtr made = call([&] {
            SPIPlanPtr plan = prepare_plan(sql.c_str(), static_cast<int>(types.size()),
                                           const_cast<Oid *>(types.data()), CURSOR_OPT_GENERIC_PLAN);
            check_code(SPI_keepplan(plan));
            return plan;
        });
        found = kept_plans.emplace(sql, made).first;
    }
    return found->second;
}

// Lets a plan be taken as it is under the path in force. The server compares the two before each run (plancache.c).
void adopt_search_path(SPIPlanPtr plan) {
    ListCell *cell;
    foreach (cell, SPI_plan_get_plan_sources(plan)) {
        auto *source = static_cast<CachedPlanSource *>(lfirst(cell));
        if (source->is_valid && source->search_path != nullptr
            && !compat::search_path_matches(source->search_path)) {
            auto *former = source->search_path;
            source->search_path = compat::get_search_path_matcher(source->context);
            list_free(former->schemas);
            pfree(former);
        }
    }
}

} // namespace

Spi::Spi(SpiMode mode) {
    if (mode == SpiMode::atomic) {
        pinned_.emplace();
    }
    call([&] { connect_spi(mode == SpiMode::non_atomic ? SPI_OPT_NONATOMIC : 0); });
}

// After an error the (sub)transaction's abort closes the connection.
Spi::~Spi() {
    if (std::uncaught_exceptions() == 0) {
        SPI_finish();
    }
}

void Spi::run(const std::string &sql, const std::vector<Parameter> &parameters) {
    PinnedScope pinned;
    PlanArguments arguments(parameters);
    call([&] { check_code(execute_once(sql.c_str(), arguments, false, is_read_only_)); });
}

void Spi::run_kept(const std::string &sql, const std::vector<Parameter> &parameters) {
    PinnedScope pinned;
    PlanArguments arguments(parameters);
    SPIPlanPtr plan = get_kept_plan(sql, arguments.types);
    call([&] {
        check_code(is_read_only_
                       ? SPI_execute_plan(plan, arguments.values.data(), arguments.nulls.c_str(), true, 0)
                       : execute_plan(plan, arguments));
    });
}

Rows Spi::ask(const std::string &sql, const std::vector<Parameter> &parameters) {
    run_kept(sql, parameters);
    return take_rows();
}

Rows Spi::query_kept(const std::string &sql, const std::vector<Parameter> &parameters) {
    return answers_ ? answers_->answer(sql, parameters) : ask(sql, parameters);
}

std::uint64_t Spi::execute_kept(const std::string &sql, const std::vector<Parameter> &parameters) {
    run_kept(sql, parameters);
    return take_count();
}

Rows Spi::query_latest(const std::string &sql, const std::vector<Parameter> &parameters) {
    PinnedScope pinned;
    PlanArguments arguments(parameters);
    call([&] { check_code(execute_once(sql.c_str(), arguments, true, false)); });
    return take_rows();
}

std::vector<Parameter> Spi::query_values(const std::string &sql, const std::vector<Parameter> &parameters) {
    run(sql, parameters);
    std::vector<Parameter> values;
    SPITupleTable *table = SPI_tuptable;
    for (int column = 1; SPI_processed > 0 && column <= table->tupdesc->natts; column++) {
        Oid type = SPI_gettypeid(table->tupdesc, column);
        bool is_null = false;
        Datum value = call([&] {
            Datum found = SPI_getbinval(table->vals[0], table->tupdesc, column, &is_null);
            int16 length = 0;
            bool by_value = false;
            get_typlenbyval(type, &length, &by_value);
            return is_null ? found : datumCopy(found, by_value, length);
        });
        values.emplace_back(value, type, is_null);
    }
    call([&] { SPI_freetuptable(table); });
    return values;
}

PreparedQuery Spi::prepare(const std::string &sql, const std::vector<Oid> &types, int options) {
    SPIPlanPtr plan = call([&] {
        return prepare_plan(sql.c_str(), static_cast<int>(types.size()), const_cast<Oid *>(types.data()),
                            options);
    });
    return PreparedQuery(plan, types.size());
}

PreparedQuery Spi::prepare(const std::string &sql, const std::vector<Oid> &types) {
    return prepare(sql, types, 0);
}

PreparedQuery Spi::prepare_generic(const std::string &sql, const std::vector<Oid> &types) {
    return prepare(sql, types, CURSOR_OPT_GENERIC_PLAN);
}

void PreparedQuery::keep() const {
    call([&] { check_code(SPI_keepplan(plan_)); });
}

void PreparedQuery::free() const noexcept {
    SPI_freeplan(plan_);
}

bool PreparedQuery::is_valid() const {
    return call([&] {
        AcceptInvalidationMessages();
        return SPI_plan_is_valid(plan_);
    });
}

void PreparedQuery::run(const std::vector<Parameter> &parameters) const {
    Assert(parameters.size() == parameters_);
    PinnedScope pinned;
    PlanArguments arguments(parameters);
    call([&] { check_code(execute_for_caller(plan_, arguments)); });
}

Rows PreparedQuery::query(const std::vector<Parameter> &parameters) const {
    run(parameters);
    return take_rows();
}

std::uint64_t PreparedQuery::execute(const std::vector<Parameter> &parameters) const {
    run(parameters);
    return take_count();
}

void PreparedQuery::note_independent_of_role() const {
    pg::note_independent_of_role(plan_);
}

Rows Spi::query(const std::string &sql, const std::vector<Parameter> &parameters) {
    run(sql, parameters);
    return take_rows();
}

std::uint64_t Spi::execute(const std::string &sql, const std::vector<Parameter> &parameters) {
    run(sql, parameters);
    return take_count();
}

Rows Spi::query(const std::string &sql, std::initializer_list<Parameter> parameters) {
    return query(sql, std::vector<Parameter>(parameters));
}

std::uint64_t Spi::execute(const std::string &sql, std::initializer_list<Parameter> parameters) {
    return execute(sql, std::vector<Parameter>(parameters));
}

void install_kept_text_hook(KeptTextHook hook) noexcept {
    kept_text_hook = hook;
}

void connect_spi(int options) {
    if (SPI_connect_ext(options) != SPI_OK_CONNECT) {
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not connect to SPI")));
    }
}

SPIPlanPtr prepare_plan(const char *sql, int parameters, Oid *types, int cursor_options) {
    int nest_level = pin_session();
    SPIPlanPtr plan = SPI_prepare_cursor(sql, parameters, types, cursor_options);
    check_code(plan == nullptr ? SPI_result : 0);
    unpin_session(nest_level);
    return plan;
}

void note_independent_of_role(SPIPlanPtr plan) {
    ListCell *cell;
    foreach (cell, SPI_plan_get_plan_sources(plan)) {
        static_cast<CachedPlanSource *>(lfirst(cell))->dependsOnRLS = false;
    }
}

int run_plan(SPIPlanPtr plan, const Datum *values, bool is_read_only, long limit, Snapshot snapshot,
             Snapshot crosscheck, bool fires_triggers) {
    adopt_search_path(plan);
    int code = SPI_execute_snapshot(plan, const_cast<Datum *>(values), nullptr, snapshot, crosscheck,
                                    is_read_only, fires_triggers, limit);
    check_code(code);
    return code;
}

int execute_pinned(const char *sql, int parameters, Oid *types, Datum *values) {
    int nest_level = pin_session();
    int code = SPI_execute_with_args(sql, parameters, types, values, nullptr, false, 0);
    check_code(code);
    unpin_session(nest_level);
    return code;
}

Portal open_cursor_pinned(const char *sql, int parameters, Oid *types, Datum *values) {
    int nest_level = pin_session();
    Portal portal = SPI_cursor_open_with_args(nullptr, sql, parameters, types, values, nullptr, false, 0);
    unpin_session(nest_level);
    return portal;
}

std::string make_array(const std::vector<std::string> &values) {
    std::string literal = "{";
    for (const std::string &value : values) {
        literal += literal.size() == 1 ? "\"" : ",\"";
        for (char character : value) {
            if (character == '"' || character == '\\') {
                literal += '\\';
            }
            literal += character;
        }
        literal += '"';
    }
    return literal + "}";
}

} // namespace softdelete::pg
