#!/bin/sh
# META.json is as PGXN's specification 1.0.0 wants it: all that is required is there and of its type, versions are semantic, and
# the files that it names are in the tree.
perl -MJSON::PP -e 1 2>/dev/null || { echo 'JSON::PP is missing'; exit 77; }
perl -MJSON::PP -0777 -ne '
    my $meta = decode_json($_);
    my $bad = 0;
    my $check = sub { my ($is_right, $what) = @_; print "META.json: $what\n" and $bad = 1 unless $is_right; };
    my $version = qr/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([a-z][a-z0-9-]*)?$/;
    my %known = map { $_ => 1 } qw(name version abstract maintainer license provides meta-spec description generated_by tags
        no_index prereqs release_status resources);
    my %spec_license = map { $_ => 1 } qw(agpl_3 apache_1_1 apache_2_0 artistic_1 artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3 gpl_1
        gpl_2 gpl_3 lgpl_2_1 lgpl_3_0 mit mozilla_1_0 mozilla_1_1 openssl perl_5 postgresql qpl_1_0 ssleay sun zlib open_source
        restricted unrestricted unknown);
    $check->(scalar($known{$_} || /^x_/i), "$_ is no key of the specification") for keys %$meta;
    $check->(defined $meta->{$_}, "$_ is missing") for qw(name version abstract maintainer license provides meta-spec);
    $check->(!ref $meta->{$_} && length $meta->{$_}, "$_ is no text") for qw(name version abstract description generated_by);
    $check->(scalar($meta->{name} =~ /^[^\s\/\\:]{2,}$/), "the name is no term");
    $check->(scalar($meta->{version} =~ $version), "the version is not semantic");
    $check->($spec_license{$meta->{license}}, "the license is not one of the list");
    $check->(scalar($meta->{release_status} =~ /^(stable|testing|unstable)$/), "the release status");
    $check->($meta->{"meta-spec"}{version} eq "1.0.0", "the version of the specification");
    for my $name (keys %{ $meta->{provides} }) {
        my $extension = $meta->{provides}{$name};
        $check->(defined $extension->{$_}, "provides.$name.$_ is missing") for qw(file version);
        $check->(scalar($extension->{version} =~ $version), "the version of $name is not semantic");
        $check->(-f $extension->{$_}, "$extension->{$_} is not there") for qw(file docfile);
    }
    for my $phase (keys %{ $meta->{prereqs} }) {
        $check->(scalar($phase =~ /^(configure|build|test|runtime|develop)$/), "prereqs.$phase");
        for my $relation (keys %{ $meta->{prereqs}{$phase} }) {
            $check->(scalar($relation =~ /^(requires|recommends|suggests|conflicts)$/), "prereqs.$phase.$relation");
            $check->(scalar($_ eq "0" || $_ =~ $version), "prereqs.$phase.$relation: version $_") for values %{ $meta->{prereqs}{$phase}{$relation} };
        }
    }
    $check->(-d $_, "$_ of no_index is not there") for @{ $meta->{no_index}{directory} };
    $check->(ref $meta->{tags} eq "ARRAY" && !grep({ ref || !length || length > 255 } @{ $meta->{tags} }), "tags");
    exit $bad' META.json
