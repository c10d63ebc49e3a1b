// How a table is registered: the options of register() and configure() as values.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace softdelete::model {

enum class Visibility { filter, view, rls };
enum class IndexMode { all, unique, none };
enum class OnExpiry { purge, anonymize };

const char *to_text(Visibility visibility);
const char *to_text(IndexMode mode);
const char *to_text(OnExpiry on_expiry);

// Nothing where the text names none.
std::optional<Visibility> parse_visibility(const std::string &text);
std::optional<IndexMode> parse_index_mode(const std::string &text);
std::optional<OnExpiry> parse_on_expiry(const std::string &text);

// Which indexes become partial where nothing was said: queries on a filtered table see live rows only, those on a table
// with visibility `view` do not.
IndexMode default_index_mode(Visibility visibility);

struct TableSettings {
    Visibility visibility = Visibility::filter;
    IndexMode indexes = IndexMode::all;
    std::optional<std::string> retention; // an interval's text
    std::string deleted_at;
    std::optional<std::string> deleted_by;
    std::vector<std::string> admin_roles;
    std::string active_view;
    std::string deleted_view;
    std::string all_view;
    OnExpiry on_expiry = OnExpiry::purge; // what becomes of deleted rows whose retention has passed
};

// The comment on deleted_at: what becomes of deleted rows, in words.
std::string describe_retention(const std::optional<std::string> &retention,
                               OnExpiry on_expiry = OnExpiry::purge);

// True for a comment that describe_retention() made.
bool is_retention_comment(const std::string &comment);

} // namespace softdelete::model
