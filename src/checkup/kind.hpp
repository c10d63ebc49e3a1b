// A kind of finding that one query tells, and how kinds are run: one that fails is told of and takes no other along.
#pragma once

#include "checkup/finding.hpp"
#include "pg/spi.hpp"

#include <functional>

namespace softdelete::checkup {

struct Kind {
    Severity severity;
    const char *code;
    const char *query; // returns the relation or NULL, the object, the message, and the remedy or NULL
};

// As the role in force.
Findings run_kind(pg::Spi &spi, const Kind &kind, const std::vector<pg::Parameter> &parameters = {});

// Adds what look finds. An error in it becomes the finding not_checked about the relation and the object: it names the error,
// and has no text of it, which may quote values. What has to end the command is raised.
void add_guarded(Findings &findings, pg::Spi &spi, std::optional<Oid> relation, const std::string &object,
                 const std::function<Findings()> &look);

// The two together.
void add_kind(Findings &findings, pg::Spi &spi, const Kind &kind,
              const std::vector<pg::Parameter> &parameters = {});

void append(Findings &findings, Findings more);

} // namespace softdelete::checkup
