// The triggers by which foreign keys between tables see soft deletes: which there have to be, which there are.
#pragma once

#include "catalog/table_info.hpp"
#include "model/step.hpp"

#include <map>
#include <string>
#include <vector>

namespace softdelete::commands {

// A trigger to create, replace or drop; command is complete.
struct LinkStep {
    catalog::TableInfo table; // the trigger's table; run the command as its owner
    std::string object;       // the trigger's name
    model::Action action;     // alter: it is dropped
    std::vector<std::string> commands;
};

// Tables seen as registered, whether or not the registry knows them yet, with their deletion columns (quoted).
using RegisteredTables = std::map<Oid, std::string>;

// What is missing for the foreign keys that these tables have and that reference them.
std::vector<LinkStep> plan_links(pg::Spi &spi, const RegisteredTables &tables);

// What is to be dropped or replaced when the table is no longer registered.
std::vector<LinkStep> plan_unlinks(pg::Spi &spi, Oid relation);

// Runs the steps.
void execute_links(pg::Spi &spi, const std::vector<LinkStep> &steps);

} // namespace softdelete::commands
