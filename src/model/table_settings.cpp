// The options of a registered table as values, and the words that stand for them in SQL and in comments.
#include "model/table_settings.hpp"

namespace softdelete::model {

namespace {

constexpr const char *comment_start = "Soft-delete marker kept by softdelete.";

// The server abbreviates months: 3 mons.
std::string spell_out(std::string interval) {
    std::size_t position = interval.find("mon");
    if (position != std::string::npos && interval.compare(position, 5, "month") != 0) {
        interval.replace(position, 3, "month");
    }
    return interval;
}

} // namespace

const char *to_text(Visibility visibility) {
    switch (visibility) {
    case Visibility::filter:
        return "filter";
    case Visibility::view:
        return "view";
    case Visibility::rls:
        return "rls";
    }
    return "";
}

const char *to_text(IndexMode mode) {
    switch (mode) {
    case IndexMode::all:
        return "all";
    case IndexMode::unique:
        return "unique";
    case IndexMode::none:
        return "none";
    }
    return "";
}

const char *to_text(OnExpiry on_expiry) {
    return on_expiry == OnExpiry::purge ? "purge" : "anonymize";
}

std::optional<OnExpiry> parse_on_expiry(const std::string &text) {
    for (OnExpiry on_expiry : {OnExpiry::purge, OnExpiry::anonymize}) {
        if (text == to_text(on_expiry)) {
            return on_expiry;
        }
    }
    return std::nullopt;
}

std::optional<Visibility> parse_visibility(const std::string &text) {
    for (Visibility visibility : {Visibility::filter, Visibility::view, Visibility::rls}) {
        if (text == to_text(visibility)) {
            return visibility;
        }
    }
    return std::nullopt;
}

std::optional<IndexMode> parse_index_mode(const std::string &text) {
    for (IndexMode mode : {IndexMode::all, IndexMode::unique, IndexMode::none}) {
        if (text == to_text(mode)) {
            return mode;
        }
    }
    return std::nullopt;
}

IndexMode default_index_mode(Visibility visibility) {
    return visibility == Visibility::view ? IndexMode::unique : IndexMode::all;
}

std::string describe_retention(const std::optional<std::string> &retention, OnExpiry on_expiry) {
    bool is_anonymized = on_expiry == OnExpiry::anonymize;
    std::string end = is_anonymized ? "anonymized" : "purged";
    return std::string(comment_start) + " Deleted rows are kept "
           + (retention ? "for " + spell_out(*retention) + (is_anonymized ? ", then " + end : "")
                        : "until they are " + end)
           + ".";
}

bool is_retention_comment(const std::string &comment) {
    return comment.starts_with(comment_start);
}

} // namespace softdelete::model
