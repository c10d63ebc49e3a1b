#!/bin/sh
# META.json, the control file and the changelog speak of the same version.
export version
version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" softdelete.control)
grep -q "^## .*\<$version\>" CHANGELOG.md || { echo "CHANGELOG.md has no heading for $version"; exit 1; }
perl -MJSON::PP -0777 -ne '
    my $meta = decode_json($_);
    for ($meta->{version}, $meta->{provides}{softdelete}{version}) {
        /^\Q$ENV{version}\E\.\d+$/ or die "META.json says $_\n";
    }' META.json
