// Quoting and names of objects by the server's own rules. Thin wrappers: each copies the server's result at once.
#include "pg/quote.hpp"

#include "pg/scopes.hpp"

extern "C" {
#include "commands/defrem.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
}

namespace softdelete::pg {

namespace {

class NeededQuotesScope {
public:
    NeededQuotesScope() { quote_all_identifiers = false; }

    ~NeededQuotesScope() { quote_all_identifiers = quotes_all_; }

    NeededQuotesScope(const NeededQuotesScope &) = delete;
    NeededQuotesScope &operator=(const NeededQuotesScope &) = delete;

private:
    bool quotes_all_ = quote_all_identifiers;
};

} // namespace

std::string quote_identifier(const std::string &name) {
    NeededQuotesScope quotes;
    return call([&] { return ::quote_identifier(name.c_str()); });
}

std::string quote_literal(const std::string &value) {
    return call([&] { return quote_literal_cstr(value.c_str()); });
}

std::string write_time(TimestampTz time) {
    return call([&]() -> const char * {
        if (TIMESTAMP_NOT_FINITE(time)) {
            return TIMESTAMP_IS_NOBEGIN(time) ? "-infinity" : "infinity";
        }
        pg_tm fields = {};
        fsec_t fraction = 0;
        if (timestamp2tm(time, nullptr, &fields, &fraction, nullptr, nullptr) != 0) {
            ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
        }
        fields.tm_isdst = 0; // without a zone known, none is written
        auto *text = static_cast<char *>(palloc(MAXDATELEN + 1));
        EncodeDateTime(&fields, fraction, true, 0, nullptr, USE_ISO_DATES, text);
        return text;
    });
}

TimestampTz read_time(const std::string &text) {
    ExactTextScope exact;
    return call([&] {
        return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(text.c_str()),
                                                       ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
    });
}

char *format_whole_type(Oid type) {
    return format_type_extended(type, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

std::string make_object_name(const std::string &name1, const std::string &name2, const std::string &label) {
    return call([&] {
        return makeObjectName(name1.c_str(), name2.empty() ? nullptr : name2.c_str(),
                              label.empty() ? nullptr : label.c_str());
    });
}

std::string truncate_name(const std::string &name) {
    int length =
        call([&] { return pg_mbcliplen(name.c_str(), static_cast<int>(name.size()), NAMEDATALEN - 1); });
    return name.substr(0, static_cast<std::size_t>(length));
}

} // namespace softdelete::pg
