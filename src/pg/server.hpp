// The server's headers, in the one order and with the one set of fixes that C++ needs. Every file outside model/ and
// sqltext/ that speaks to the server includes this first: libintl's macros must not reach the standard library, and
// postgres.h must come before any system header.
#pragma once

extern "C" {
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
}

#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
#undef snprintf
#undef sprintf
#undef vsnprintf
#undef vsprintf
#undef printf
#undef vprintf
#undef fprintf
#undef vfprintf
#undef strerror
