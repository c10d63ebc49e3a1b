// register(), plan(), configure(), repair() and unregister(): arguments in, steps out.
#include "commands/register_table.hpp"
#include "pg/srf.hpp"

namespace softdelete {

namespace {

commands::RegisterRequest get_request(const pg::Arguments &arguments) {
    return {
        arguments.relation(0, "relation"), arguments.optional_text(1),      arguments.text(2, "strategy"),
        arguments.text(3, "visibility"),   arguments.boolean(4, "cascade"), arguments.optional_text(5),
        arguments.text(6, "deleted_at"),   arguments.optional_text(7),      arguments.names(8, "admin_roles"),
        arguments.optional_text(9),        arguments.optional_text(10),     arguments.optional_text(11)};
}

void give_back(FunctionCallInfo call, const std::vector<model::Step> &steps) {
    pg::ResultSet result(call);
    int number = 0;
    for (const model::Step &step : steps) {
        result.add({std::to_string(++number), std::to_string(step.relation), step.object,
                    model::to_text(step.action), step.is_online ? "true" : "false",
                    step.command.empty() ? std::nullopt : std::optional(step.command)});
    }
}

} // namespace

extern "C" {

PG_FUNCTION_INFO_V1(softdelete_register);

PGDLLEXPORT Datum softdelete_register(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        give_back(fcinfo, commands::register_table(get_request(pg::Arguments(fcinfo))));
        return Datum(0);
    });
}

PG_FUNCTION_INFO_V1(softdelete_plan);

PGDLLEXPORT Datum softdelete_plan(PG_FUNCTION_ARGS) {
    return pg::entry([&] {
        give_back(fcinfo, commands::plan_registration(get_request(pg::Arguments(fcinfo))));
        return Datum(0);
    });
}

} // extern "C"

} // namespace softdelete
