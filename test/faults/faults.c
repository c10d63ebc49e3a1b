/*
 * For tests: lets a statement fail at its n-th allocation of memory, whoever allocates.
 *
 *   SET faults.at_allocation = 17; SELECT ...;    -- fails in the way that faults.kind names
 *
 *   error    palloc raises out_of_memory, operator new throws bad_alloc
 *   lock     palloc raises lock_not_available, as a lock that is waited for too long does
 *   cancel   the statement is cancelled from there on
 *   count    nothing fails; SHOW faults.places then says how many allocations there were
 *   record   nothing fails; SHOW faults.places then lists the numbers of the allocations to try: the first of each place
 *
 * A place is the innermost calls of softdelete's that lead to an allocation, and the server's function that the innermost
 * calls. What the server allocates on its own after one place and before the next is one place more.
 *
 * Memory contexts of the usual type share one table of functions; this puts its own in the place of the first. For operator
 * new see failing_new.cpp.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/memnodes.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <limits.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

PG_MODULE_MAGIC;

void _PG_init(void);

enum Kind { FAIL_ERROR, FAIL_LOCK, FAIL_CANCEL, COUNT, RECORD };

static int at_allocation = 0;
static int kind = FAIL_ERROR;
static char *unused = NULL;

static const struct config_enum_entry kinds[] = {
	{"error", FAIL_ERROR, false}, {"lock", FAIL_LOCK, false}, {"cancel", FAIL_CANCEL, false}, {"count", COUNT, false},
	{"record", RECORD, false}, {NULL, 0, false}};

/*
 * Recording.
 */
static int allocations = 0;
static uintptr_t library_begin = 0;
static uintptr_t library_end = 0;
static bool is_recording = false;

typedef struct Place
{
	uint64		calls;
	int			times;
} Place;

static Place places[1 << 16];
static const int depth = 4;
static uint64 last_calls = 0;
static char numbers[1 << 20];
static size_t numbers_length = 0;

static int
find_library(struct dl_phdr_info *info, size_t size, void *unused_pointer)
{
	if (strstr(info->dlpi_name, "/softdelete.so") == NULL)
		return 0;
	library_begin = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
		library_end = Max(library_end, info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz);
	return 1;
}

static uint64
combine(uint64 hash, void *address)
{
	return (hash ^ (uint64) (uintptr_t) address) * UINT64CONST(1099511628211);
}

/* Where this allocation is: the same value for the same place. */
static uint64
find_calls(void)
{
	void	   *frames[256];
	int			count = backtrace(frames, lengthof(frames));
	uint64		hash = 0;
	int			calls = 0;

	for (int i = 1; i < count && calls < depth; i++)
	{
		if ((uintptr_t) frames[i] < library_begin || (uintptr_t) frames[i] >= library_end)
			continue;
		if (hash == 0)
			hash = combine(UINT64CONST(14695981039346656037), frames[i - 1]);
		hash = combine(hash, frames[i]);
		calls++;
	}
	if (hash == 0)
		return combine(last_calls, NULL);
	last_calls = hash;
	return hash;
}

static void
record(void)
{
	uint64		calls;

	allocations++;
	if (kind == COUNT)
	{
		numbers_length = snprintf(numbers, sizeof(numbers), " %d", allocations);
		return;
	}
	if (is_recording)
		return;
	is_recording = true;
	if (library_end == 0)
		dl_iterate_phdr(find_library, NULL);
	calls = find_calls();
	for (uint64 i = calls;; i++)
	{
		Place	   *place = &places[i % lengthof(places)];

		if (place->times > 0 && place->calls != calls)
			continue;
		place->calls = calls;
		if (place->times++ == 0 && numbers_length < sizeof(numbers) - 16)
			numbers_length += snprintf(numbers + numbers_length, 16, " %d", allocations);
		break;
	}
	is_recording = false;
}

static const char *
show_places(void)
{
	return numbers;
}

/*
 * Failing. Not where the server itself does not expect it: while an error or the end of a transaction is under way. Nor between
 * statements, and in those that set where to fail.
 */
static bool
is_time(MemoryContext context, Size size)
{
	/*
	 * The server does not survive these: after the first a lock's entry has no list of owners, which the next attempt in the
	 * transaction writes to; after the second an entry of the statistics is garbage, which the end of the session reads.
	 */
	bool		is_first_of_lock = context == TopMemoryContext && size == 8 * sizeof(LOCALLOCKOWNER);
	bool		is_of_statistics = strncmp(context->name, "PgStat", 6) == 0;

	if (at_allocation <= 0 || is_first_of_lock || is_of_statistics || context == ErrorContext || CritSectionCount > 0 || !IsTransactionState() ||
		debug_query_string == NULL ||
		strncmp(debug_query_string, "SET faults.", 11) == 0 || strncmp(debug_query_string, "SHOW faults.", 12) == 0)
		return false;
	if (kind == COUNT || kind == RECORD)
	{
		record();
		return false;
	}
	return at_allocation == 1 || --at_allocation == 0;
}

static void
cancel(void)
{
	at_allocation = 0;
	QueryCancelPending = true;
	InterruptPending = true;
}

static void
maybe_fail(MemoryContext context, Size size)
{
	if (!is_time(context, size))
		return;
	at_allocation = 0;
	/* No lock is waited for while an error is copied. */
	if (kind == FAIL_LOCK && strcmp(context->name, "softdelete error") == 0)
	{
		at_allocation = 1;
		return;
	}
	switch (kind)
	{
		case FAIL_CANCEL:
			cancel();
			break;
		case FAIL_LOCK:
			ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("injected failure")));
			break;
		default:
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("injected failure")));
	}
}

/* No server error may leave operator new, so there a lock's failure waits for the server's next allocation. */
static bool
fails_new(void)
{
	if (!is_time(CurrentMemoryContext, 0) || kind == FAIL_LOCK)
		return false;
	if (kind == FAIL_CANCEL)
		cancel();
	at_allocation = 0;
	return kind == FAIL_ERROR;
}

#if PG_VERSION_NUM >= 170000
static void *(*next_alloc) (MemoryContext context, Size size, int flags);

static void *
failing_alloc(MemoryContext context, Size size, int flags)
{
	maybe_fail(context, size);
	return next_alloc(context, size, flags);
}
#else
static void *(*next_alloc) (MemoryContext context, Size size);

static void *
failing_alloc(MemoryContext context, Size size)
{
	maybe_fail(context, size);
	return next_alloc(context, size);
}
#endif

void
_PG_init(void)
{
	MemoryContextMethods *methods = (MemoryContextMethods *) TopMemoryContext->methods;
	uintptr_t	page = (uintptr_t) methods & ~((uintptr_t) sysconf(_SC_PAGESIZE) - 1);
	bool		(**fails_next_new) (void) = dlsym(RTLD_DEFAULT, "fails_next_new");

	if (fails_next_new == NULL)
		ereport(ERROR, (errmsg("failing_new is not preloaded")));
	DefineCustomIntVariable("faults.at_allocation", "The allocation that fails, counted from now.", NULL,
							&at_allocation, 0, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("faults.kind", "What happens there.", NULL, &kind, FAIL_ERROR, kinds, PGC_USERSET, 0,
							 NULL, NULL, NULL);
	DefineCustomStringVariable("faults.places", "The allocations to try.", NULL, &unused, "", PGC_INTERNAL, 0,
							   NULL, NULL, show_places);
	if (mprotect((void *) page, 2 * sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE) != 0)
		ereport(ERROR, (errmsg("could not make the table of functions writable: %m")));
	next_alloc = methods->alloc;
	methods->alloc = failing_alloc;
	*fails_next_new = fails_new;
}
