// Reads the options of register() and configure(), and raises one clear error for each that is wrong.
#include "registration/parse_options.hpp"

namespace softdelete::registration {

namespace {

[[noreturn]] void refuse_unknown(const char *option, const std::string &value, const char *hint) {
    pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
               std::string("unrecognized ") + option + " \"" + value + "\"",
               {},
               hint});
}

} // namespace

void check_strategy(const std::string &strategy) {
    if (strategy != "auto" && strategy != "flag") {
        refuse_unknown("strategy", strategy, "Use 'auto', 'flag' or 'archive'.");
    }
}

model::Visibility get_visibility(const std::string &text) {
    auto visibility = model::parse_visibility(text);
    if (!visibility) {
        refuse_unknown("visibility", text, "Use 'filter', 'view' or 'rls'.");
    }
    return *visibility;
}

model::IndexMode get_index_mode(const std::string &text) {
    auto mode = model::parse_index_mode(text);
    if (!mode) {
        refuse_unknown("value for indexes:", text, "Use 'all', 'unique' or 'none'.");
    }
    return *mode;
}

model::OnExpiry get_on_expiry(const std::string &text) {
    auto on_expiry = model::parse_on_expiry(text);
    if (!on_expiry) {
        refuse_unknown("value for on_expiry:", text, "Use 'purge' or 'anonymize'.");
    }
    return *on_expiry;
}

void check_retention(pg::Spi &spi, const std::optional<std::string> &retention) {
    if (!retention) {
        return;
    }
    if (retention->find("infinity") != std::string::npos) {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "retention must be finite",
                   {},
                   "Without a retention deleted rows are kept until they are purged."});
    }
    // now() minus the retention has to be a time.
    if (spi.query_kept("SELECT $1::interval > interval '5000 years'", {*retention}).front().boolean(0)) {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "retention must not be longer than 5000 years",
                   {},
                   "Without a retention deleted rows are kept until they are purged."});
    }
    if (!spi.query_kept("SELECT $1::interval >= interval '0'", {*retention}).front().boolean(0)) {
        pg::raise({ERRCODE_INVALID_PARAMETER_VALUE,
                   "retention must not be negative",
                   {},
                   "Give the time for which deleted rows are kept, such as '90 days'."});
    }
}

void check_roles(pg::Spi &spi, const std::vector<std::string> &roles) {
    for (const std::string &role : roles) {
        if (spi.query_kept("SELECT FROM pg_roles WHERE rolname = $1::name", {role}).empty()) {
            pg::raise({ERRCODE_UNDEFINED_OBJECT,
                       "role \"" + role + "\" does not exist",
                       {},
                       "Create the role first, or leave it out of admin_roles."});
        }
    }
}

} // namespace softdelete::registration
