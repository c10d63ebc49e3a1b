#!/bin/sh
# State that outlives a call stands in the table of doc/architecture.md, with what resets it: every variable of a namespace,
# or static in a function, that is not constant. And the table names none that is gone.
# shellcheck disable=SC2016 # `...` in quotes is Markdown
found=$(mktemp) listed=$(mktemp)
trap 'rm -f "$found" "$listed"' EXIT
name='[a-z][a-z_0-9]*'
type='(decltype\([A-Z_]+\) |[A-Za-z_][A-Za-z_0-9:<>, ]*[ *&]+)'
value='(\[[^]]*\])?( *=.*|\{.*\})?;'
# A definition may end on the next line, after its =. A pointer to something constant is not constant itself.
grep -rnE "^(static |thread_local |volatile )?$type$name($value| =\$)|^ +static [^(]*[ *&]$name( = .*)?;" src --include='*.[ch]pp' |
    grep -vE ':[0-9]+: *(using|extern|return|friend|typedef|template|enum|struct|class|inline constexpr|static constexpr|constexpr) ' |
    grep -vE ':[0-9]+: *(static )?const [^*]*$|\*const |:[0-9]+: *(static )?const [^*=]*=' |
    sed -E 's/^(src\/[a-z_\/]+)\.[ch]pp:[0-9]+:/\1 /; s/( = .*| =$|\{.*)$//; s/(\[[^]]*\])?;.*$//; s/^([^ ]+) .*[ *&]([a-z_0-9]+)(\[.*)?$/\1 \2/' |
    sort -u >"$found"
sed -nE 's/^\| `(src\/[a-z_\/]+)` \| (`[a-z_0-9`, ]+`) \|.*/\1 \2/p' doc/architecture.md 2>/dev/null | tr -d '`,' |
    awk '{ for (i = 2; i <= NF; i++) print $1, $i }' | sort -u >"$listed"
status=0
comm -23 "$found" "$listed" | sed 's/$/: not in the table of doc\/architecture.md/' | grep . && status=1
comm -13 "$found" "$listed" | sed 's/$/: in the table of doc\/architecture.md, but gone/' | grep . && status=1
exit $status
