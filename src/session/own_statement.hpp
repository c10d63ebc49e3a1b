// What marks a statement as ours. A command begins an own statement around the call that hands its text to the server, and
// what it may do, and how it runs, belongs to that statement alone: it is known by the address of its text, its plan
// carries a note of it, and the executor's entry points to it. Code of users that it fires runs statements of its own.
// Nothing of this reaches into them. Plain server code; the class is for C++.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "executor/execdesc.h"
#include "storage/itemptr.h"
#include "utils/reltrigger.h"
}

#include <string>

struct _SPI_plan; // executor/spi.h

namespace softdelete::session {

// Says which of a table's triggers a statement need not fire.
class TriggerAnswers {
public:
    virtual ~TriggerAnswers() = default;
    virtual bool is_answered(Relation table, const Trigger &trigger) = 0;
};

// unsure: it has come to its partition together with rows that are not among them, and nothing tells which is which.
enum class Removable { no, yes, unsure };

// None of them.
class NoTriggers : public TriggerAnswers {
public:
    bool is_answered(Relation, const Trigger &) override { return true; }
};

// Rows that a statement, and the referential actions that follow it, may remove whatever their state.
class RemovableRows {
public:
    virtual ~RemovableRows() = default;
    virtual Removable find(Oid relation, HeapTuple row) const = 0;
};

// Whose rights the references of a statement need, and which policies apply to them.
enum class OwnReading {
    as_said,
    as_owners, // each table is read as its owner, as foreign keys do; the role that runs the statement stays
    past_filter, // our policy hides no deleted rows; the user's hide what they hide
};

// Triggers that an own statement does not fire, for one command on the table that it names: those for each row, and where it
// says so those for the statement.
struct SkippedTriggers {
    TriggerAnswers *answers;
    CmdType command; // CMD_INSERT, CMD_UPDATE or CMD_DELETE
    Oid table;
    bool skips_statement = false;
};

// What an own statement may do and how it runs. Nothing here is owned; all of it outlives the statement.
struct OwnTraits {
    uint32 notes = 0; // PlanNote, for its plan
    OwnReading reading = OwnReading::as_said;
    const RemovableRows *removable = nullptr;
    SkippedTriggers skipped = {};
    // It fires triggers of users: they find the settings of whoever called the command, not those that it was planned with.
    bool runs_as_called = false;
    // It leaves no trigger to the end of the transaction, whoever it acts as.
    bool fires_at_once = false;
    // The deletion whose rows it brings back from archives; 0 for none.
    int64 restored = 0;
    // It moves deleted rows between a table and its archive, which a history of the table tells as the end or the begin of a row.
    bool moves_deleted = false;
    // The role that the command was called as, if it is not that which pg::CalledSettings knows.
    Oid called_by = InvalidOid;
};

// Begins one whose text the server gets at this address; kept_text is the copy that a kept plan has, or null. Returns
// what end_own_statements() takes. An error ends it as well: the abort callbacks call forget_own_statements().
int begin_own_statement(const char *text, const char *kept_text, const OwnTraits &traits);
void end_own_statements(int mark) noexcept;
void forget_own_statements(int nest_level) noexcept;

// The traits of the innermost own statement where the text is its own; null for anybody else's.
const OwnTraits *find_own_statement(const char *text) noexcept;

// Its number, for the entry of a statement that runs; 0 for anybody else's. And the traits that go with a number.
int number_of_own_statement(const char *text) noexcept;
const OwnTraits *get_own_statement(int number) noexcept;

// Is one under way, or what it causes?
bool has_own_statements() noexcept;

// Does the test hold for one of the roles that called those under way, where they say who did? Plain server code.
bool is_called_by_any(bool (*test)(Oid role, Oid relation), Oid relation);

// What the innermost removal that is under way may remove, whoever's statement runs within it; null for none.
const RemovableRows *find_removable_rows() noexcept;

// Called before a statement runs: an own one that runs as called gets its settings. They end with it; those that code of
// users makes meanwhile stay as after any statement of the caller's where it is the caller's own code, or that of
// somebody who has his rights anyway, and end as well where it is not.
void set_called_settings(const char *text);
void end_called_settings(const char *text); // when its triggers are through

// The same around the planning of one that runs as called, for functions of the caller's that are inlined or computed there:
// the path alone, and where the code is the caller's own. Returns what end_called_planning() takes.
int begin_called_planning(const char *text);
void end_called_planning(int nest_level);

// Which deferrable triggers of a statement fire when it is through.
enum class AtOnce { none, users, all };

// Of one that is ours, or a referential action: all where it says so and in a security-restricted operation, where the server
// lets nothing be deferred; those of users where the session acts as another role than the innermost own statement was
// called as, and as one that has not all the rights of whoever is logged in.
AtOnce fired_at_once();

// Called once, when the library is loaded.
void install_own_statements() noexcept;

// The text that a kept plan was made of, where the server keeps it.
const char *get_kept_text(_SPI_plan *plan);

// An own statement for the lifetime of the object. The text must not change or go meanwhile.
class OwnStatement {
public:
    OwnStatement(const std::string &text, const OwnTraits &traits, _SPI_plan *plan = nullptr);
    ~OwnStatement();
    OwnStatement(const OwnStatement &) = delete;
    OwnStatement &operator=(const OwnStatement &) = delete;

private:
    int mark_;
};

} // namespace softdelete::session
