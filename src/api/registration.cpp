// The SQL functions register(), plan(), configure(), repair() and unregister(). Unpacks the arguments, leaves the work
// to registration/, or archive/ where the strategy is that, and returns its steps as rows.
#include "api/run_arguments.hpp"
#include "archive/change_in_batches.hpp"
#include "archive/change_strategy.hpp"
#include "archive/register_archive.hpp"
#include "archive/register_by_strategy.hpp"
#include "history/follow_table.hpp"
#include "history/repair_history.hpp"
#include "pg/called_settings.hpp"
#include "pg/srf.hpp"
#include "pg/transactions.hpp"
#include "registration/configure_table.hpp"
#include "registration/lock_table.hpp"
#include "registration/register_table.hpp"
#include "registration/repair_table.hpp"
#include "registration/unregister_table.hpp"
#include "session/extension_functions.hpp"
#include "sqltext/layout.hpp"

extern "C" {
#include "utils/lsyscache.h"
}

#include <set>

namespace softdelete {

namespace {

registration::RegisterRequest get_request(const pg::Arguments &arguments) {
    return {arguments.relation(0, "relation"), arguments.optional_text(1),
            arguments.text(2, "strategy"),     arguments.text(3, "visibility"),
            arguments.boolean(4, "cascade"),   arguments.optional_text(5),
            arguments.text(6, "deleted_at"),   arguments.optional_text(7),
            arguments.names(8, "admin_roles"), arguments.optional_text(9),
            arguments.optional_text(10),       arguments.optional_text(11),
            arguments.text(12, "on_expiry"),   arguments.boolean(13, "all_referencing")};
}

std::optional<std::string> make_command(const model::Step &step) {
    std::string text = step.remark.empty() ? "" : sqltext::lay_out_remark(step.remark);
    if (!step.advice.empty()) {
        text += "\n" + sqltext::lay_out_remark(step.advice + (step.commands.empty() ? "" : ":"));
    }
    const char *separator = text.empty() ? "" : "\n";
    for (const std::string &command : step.commands) {
        text += separator + sqltext::lay_out(command);
        separator = ";\n";
    }
    return text.empty() ? std::nullopt : std::optional(text);
}

void give_back(FunctionCallInfo call, const std::vector<model::Step> &steps) {
    pg::ResultSet result(call);
    int number = 0;
    for (const model::Step &step : steps) {
        result.add({std::to_string(++number), std::to_string(step.relation), step.object,
                    model::to_text(step.action), step.is_online ? "true" : "false", make_command(step)});
    }
}

std::string join(const std::vector<std::string> &commands) {
    std::string text;
    for (const std::string &command : commands) {
        text += (text.empty() ? "" : " ") + command + ";";
    }
    return text;
}

// A client that throws the rows away still shows these.
void warn_client(const std::vector<model::Step> &steps) {
    for (const model::Step &step : steps) {
        if (step.action == model::Action::warning) {
            std::string table = pg::call([&] { return get_rel_name(step.relation); });
            pg::warn("table \"" + table + "\", " + step.object + ": " + step.remark,
                     step.commands.empty() ? step.advice : step.advice + ": " + join(step.commands));
        }
    }
}

// The columns that a registration gives a table, or takes away, are columns of its history.
const std::vector<model::Step> &follow_histories(const std::vector<model::Step> &steps) {
    pg::Spi spi;
    std::set<Oid> relations;
    for (const model::Step &step : steps) {
        if (step.action != model::Action::warning && relations.insert(step.relation).second) {
            history::follow_table(spi, step.relation);
        }
    }
    return steps;
}

// Whatever keeps the table's rows, a history beside it as well; it may have nothing but that.
std::vector<model::Step> repair(Oid relation) {
    pg::Spi spi;
    std::vector<model::Step> steps;
    const bool has_archive = archive::has_archive(spi, relation, pg::Lock::access_exclusive);
    if (has_archive || !history::has_history_alone(spi, relation)) {
        steps = has_archive ? archive::repair_archive(relation) : registration::mend_table(relation);
    }
    std::vector<model::Step> more = history::repair_history(spi, relation);
    steps.insert(steps.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return steps;
}

// The lock is the one that the command itself takes.
std::vector<model::Step> configure(const registration::ConfigureRequest &request) {
    pg::Spi spi;
    const bool is_deep = request.visibility || request.indexes;
    return archive::has_archive(spi, request.relation,
                                is_deep ? pg::Lock::access_exclusive : pg::Lock::access_share)
               ? archive::configure_archive(request)
               : registration::configure_table(request);
}

std::vector<model::Step> unregister(Oid relation, const std::string &deleted_rows) {
    pg::Spi spi;
    return archive::has_archive(spi, relation, pg::Lock::access_exclusive)
               ? archive::unregister_archive(relation, deleted_rows)
               : registration::unregister_table(relation, deleted_rows);
}

archive::ChangeRequest get_change_request(FunctionCallInfo call) {
    const pg::Arguments arguments(call);
    api::require(call, 4, "delay");
    archive::ChangeRequest request = {arguments.relation(0, "relation"),   arguments.text(1, "strategy"),
                                      api::get_batch_size(call, 2),        {},
                                      api::get_duration(call, 4, "delay"), arguments.optional_text(5)};
    if (!call->args[3].isnull) {
        request.max_runtime = api::get_duration(call, 3, "max_runtime");
    }
    return request;
}

// Of a table between the strategies nothing but these changes. Asked here before anything is waited for, and by the commands again.
void check_not_between(Oid relation) {
    pg::Spi spi;
    registration::check_not_between(spi, relation);
}

void warn_and_give_back(FunctionCallInfo call, const std::vector<model::Step> &steps) {
    warn_client(steps);
    give_back(call, steps);
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_register);

PGDLLEXPORT Datum softdelete_register(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        pg::refuse_if_read_only("softdelete.register()");
        const registration::RegisterRequest request = get_request(pg::Arguments(fcinfo));
        warn_and_give_back(fcinfo, follow_histories(archive::register_by_strategy(request)));
        return Datum(0);
    });
}

PG_FUNCTION_INFO_V1(softdelete_plan);

PGDLLEXPORT Datum softdelete_plan(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        const registration::RegisterRequest request = get_request(pg::Arguments(fcinfo));
        give_back(fcinfo, archive::plan_by_strategy(request));
        return Datum(0);
    });
}

PG_FUNCTION_INFO_V1(softdelete_configure);

PGDLLEXPORT Datum softdelete_configure(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        pg::refuse_if_read_only("softdelete.configure()");
        pg::Arguments arguments(fcinfo);
        const registration::ConfigureRequest request = {
            arguments.relation(0, "relation"), arguments.optional_text(1), arguments.optional_boolean(2),
            arguments.optional_text(3),        arguments.optional_text(4), arguments.optional_names(5),
            arguments.optional_text(6),        arguments.optional_text(7)};
        if (!request.strategy) {
            check_not_between(request.relation);
        }
        warn_and_give_back(fcinfo, request.strategy ? archive::change_strategy(request) : configure(request));
        return Datum(0);
    });
}

PG_FUNCTION_INFO_V1(softdelete_change_strategy);

PGDLLEXPORT Datum softdelete_change_strategy(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::refuse_if_read_only("softdelete.change_strategy()");
        pg::call([] { session::check_version(); });
        if (!pg::may_commit(fcinfo)) {
            pg::raise(
                {.sqlstate = ERRCODE_ACTIVE_SQL_TRANSACTION,
                 .message =
                     "CALL softdelete.change_strategy() cannot run inside a transaction block or a function",
                 .hint = "softdelete.configure(..., strategy => ...) moves all deleted rows in the "
                         "transaction under way."});
        }
        archive::change_in_batches(get_change_request(fcinfo));
        return Datum(0);
    });
}

PG_FUNCTION_INFO_V1(softdelete_repair);

PGDLLEXPORT Datum softdelete_repair(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        pg::refuse_if_read_only("softdelete.repair()");
        warn_and_give_back(fcinfo, follow_histories(repair(pg::Arguments(fcinfo).relation(0, "relation"))));
        return Datum(0);
    });
}

PG_FUNCTION_INFO_V1(softdelete_unregister);

PGDLLEXPORT Datum softdelete_unregister(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        pg::CommandScope path;
        pg::refuse_if_read_only("softdelete.unregister()");
        pg::Arguments arguments(fcinfo);
        Oid relation = arguments.relation(0, "relation");
        std::string deleted_rows = arguments.text(1, "deleted_rows");
        check_not_between(relation);
        warn_and_give_back(fcinfo, follow_histories(unregister(relation, deleted_rows)));
        return Datum(0);
    });
}

} // extern "C"

} // namespace softdelete
