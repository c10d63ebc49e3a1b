// Runs steps.
#include "commands/run_steps.hpp"

#include "pg/quote.hpp"
#include "pg/scopes.hpp"

#include <map>

namespace softdelete::commands {

namespace {

model::Action parse_action(const std::string &text) {
    for (model::Action action : {model::Action::create, model::Action::replace}) {
        if (text == model::to_text(action)) {
            return action;
        }
    }
    return model::Action::alter;
}

} // namespace

void run_steps(pg::Spi &spi, const std::vector<model::Step> &steps) {
    std::map<Oid, Oid> owners;
    for (const model::Step &step : steps) {
        if (!step.runs()) {
            continue;
        }
        if (!owners.contains(step.relation)) {
            owners[step.relation] =
                spi.query("SELECT relowner FROM pg_class WHERE oid = $1::oid", {step.relation})
                    .front()
                    .oid(0);
        }
        pg::UserScope owner(owners[step.relation]);
        spi.execute(step.command);
    }
}

std::vector<model::Step> to_steps(const std::vector<LinkStep> &links) {
    std::vector<model::Step> steps;
    for (const LinkStep &link : links) {
        for (const std::string &command : link.commands) {
            steps.push_back({link.table.relation, "trigger " + pg::quote_identifier(link.object),
                             parse_action(link.action), false, command});
        }
    }
    return steps;
}

} // namespace softdelete::commands
