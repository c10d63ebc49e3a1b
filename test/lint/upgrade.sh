#!/bin/sh
# Once a version is released its install script stays as it was, and what the parts say differently comes as an upgrade script.
directory=src/extension
version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" softdelete.control)
last=$(find $directory/released -name 'softdelete--*.sql' | sed 's/.*--\(.*\)\.sql$/\1/' | sort -V | tail -n 1)
[ -n "$last" ] || exit 0
status=0
complain() { echo "$1"; status=1; }

released=$directory/released/softdelete--$last.sql
update=$directory/upgrade/softdelete--$last--$version.sql
# cmp stops reading at the first difference, of which cat complains.
if ! cat $directory/[0-9]*.sql 2>/dev/null | cmp -s - "$released"; then
    if [ "$last" = "$version" ]; then
        complain "the install script differs from $released: raise default_version and begin an upgrade script"
    elif [ ! -f "$update" ]; then
        complain "the install script differs from $released: $update is missing"
    elif git rev-parse -q --verify HEAD >/dev/null 2>&1; then
        # They change together, or the upgrade script later.
        parts=$(git log -1 --format=%H -- $directory/[0-9]*.sql)
        script=$(git log -1 --format=%H -- "$update")
        [ -n "$(git status --porcelain -- "$update")" ] || git merge-base --is-ancestor "$parts" "$script" ||
            complain "the install script was changed without $update, last in $parts"
    fi
fi
for script in $(git log --diff-filter=MD --format= --name-only -- $directory/released/*.sql 2>/dev/null | sort -u); do
    complain "$script was changed after its release"
done
exit $status
