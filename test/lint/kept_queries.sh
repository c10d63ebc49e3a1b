#!/bin/sh
# A query whose plan is kept names none of the extension's objects by constants of the types regproc, regnamespace and the like:
# ALTER EXTENSION UPDATE may drop them and make them anew, and the plan keeps the OIDs. Such a query joins by names, or gets OIDs
# as parameters. The text stands in the call, or in a constant of the same file that the call names.
find src -name '*.cpp' -exec perl -0777 -ne '
    my %texts;
    $texts{$1} = $2 while /constexpr const char \*(\w+)\s*=\s*R"\((.*?)\)"/gs;
    while (/query_kept\((.*?)(?:,\s*\{|\)\s*;|\);)/gs) {
        my ($text, $line) = ($1, 1 + (substr($_, 0, $-[0]) =~ tr/\n//));
        $text = $texts{$1} if $text =~ /^\s*(\w+)\s*$/ && defined $texts{$1};
        $text =~ s/"\s*"//g;
        if ($text =~ /\x27softdelete[^\x27]*\x27::(pg_catalog\.)?reg\w+/) {
            print "$ARGV:$line: a kept query has the constant $&\n";
            $found = 1;
        }
    }
    END { exit($found ? 1 : 0) }' {} +
