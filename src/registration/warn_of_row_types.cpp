// Warns of functions that stop working when the table gets columns: those that return its rows and list its columns, those
// that return a table of their own by SELECT *, and those that cast a ROW to it. The body of a function is text to the
// server, and so it is here.
#include "pg/quote.hpp"
#include "registration/plan_parts.hpp"

#include <algorithm>
#include <cctype>

namespace softdelete::registration {

namespace {

// A body by BEGIN ATOMIC has the columns that there were when it was made: it depends on each of them. $2 is the table's
// name, quoted where it has to be and fit for a regular expression. The language is asked first, of all functions that there
// are, which are mostly the server's own in C.
constexpr const char *functions_query = R"(
    SELECT p.oid::regprocedure
    FROM pg_class c JOIN pg_type r ON r.oid = c.reltype, pg_proc p
    WHERE c.oid = $1::oid AND p.prolang = ANY (ARRAY(SELECT oid FROM pg_language WHERE lanname IN ('sql', 'plpgsql')))
      AND p.prokind IN ('f', 'p') AND (
        (p.prorettype IN (r.oid, r.typarray)
         AND CASE WHEN p.prosqlbody IS NULL THEN p.prosrc !~ '[*]'
                  AND p.prosrc ~* ('\mfrom\s+(only\s+)?("?\w+"?\.)?' || $2)
             ELSE EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0)
                  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = 0) END)
        OR (p.prosqlbody IS NULL
            AND CASE p.prorettype WHEN r.oid THEN false WHEN 'record'::regtype THEN p.proallargtypes IS NOT NULL
                     ELSE p.proretset OR p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql') END
            AND p.prosrc ~* ('select\s+[*]\s+from\s+(only\s+)?("?\w+"?\.)?' || $2 || '\s*($|;|\m(where|order|limit|offset|fetch|for)\M)'))
        OR (p.prosqlbody IS NULL AND p.prosrc ~* ('row\s*\([^)]*\)\s*::\s*("?\w+"?\.)?' || $2 || '(\M|$)')))
    ORDER BY p.oid::regprocedure::text)";

// Letters, digits, and what is special in a regular expression behind a backslash.
std::string make_pattern(const std::string &name) {
    std::string pattern;
    for (char character : name) {
        bool is_word = std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '_'
                       || (character & 0x80) != 0;
        pattern += is_word ? std::string(1, character) : std::string("\\") + character;
    }
    return pattern;
}

bool adds_columns(const TableWork &work) {
    return std::any_of(work.steps.begin(), work.steps.end(), [](const model::Step &step) {
        return step.action == model::Action::create && step.object.starts_with("column ");
    });
}

} // namespace

void warn_of_row_types(TableWork &work) {
    if (!adds_columns(work)) {
        return;
    }
    std::string names;
    for (const pg::Row &row : work.spi.query_kept(
             functions_query, {work.table.oid, make_pattern(pg::quote_identifier(work.table.name))})) {
        names += (names.empty() ? "" : ", ") + row.text(0);
    }
    if (!names.empty()) {
        work.warn(
            model::warning::row_type_functions, work.table.oid, "functions " + names,
            "they count on the columns that the table has now, and may fail when it has more",
            "Let a function that returns rows of the table end with SELECT t.* of it, and one that returns "
            "others name its columns.");
    }
}

} // namespace softdelete::registration
