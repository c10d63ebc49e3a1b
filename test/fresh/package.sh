#!/bin/sh
# The way of packages: built with the distribution's tools, found clean by lintian, tested as installed, and installed on a
# bare system, where the story of the demo runs and nothing is left when the package is purged.
mkdir /srv/bare
tar -C / --one-file-system --exclude=./srv/bare --exclude=./srv/softdelete --exclude=./proc --exclude=./dev -c . |
    tar -C /srv/bare -x
get dpkg-dev debhelper lintian postgresql-server-dev-all
pg_buildext updatecontrol
apt-get build-dep -qy --no-install-recommends ./
dpkg-buildpackage -us -uc -b
package=$(ls "/srv/postgresql-$(major)-softdelete_"*.deb)
say "built $(basename "$package"), $(wc -c <"$package") bytes"
lintian --fail-on error,warning --suppress-tags bad-distribution-in-changes-file /srv/softdelete_*.changes ||
    fail 'lintian'
say 'lintian finds nothing'
make clean >/dev/null
get "$package"
sh debian/tests/installcheck
say 'the tests pass on the installed package'

cp "$package" test/demo/demo.sql /srv/bare/srv/
mkdir -p /srv/bare/proc /srv/bare/dev
mount -t proc proc /srv/bare/proc
mount --rbind /dev /srv/bare/dev
cp -r /var/lib/apt/lists /srv/bare/var/lib/apt/
mount --bind /var/cache/apt/archives /srv/bare/var/cache/apt/archives
cat >/srv/bare/srv/try <<'TRY'
set -eux
export DEBIAN_FRONTEND=noninteractive
find / -xdev -name '*softdelete*' ! -path "/srv/$1" >/tmp/before
apt-get install -qy --no-install-recommends "/srv/$1"
dpkg -L "postgresql-$2-softdelete" | grep -x '.*/softdelete\.so'
echo "shared_preload_libraries = 'softdelete'" >>"/etc/postgresql/$2/main/conf.d/softdelete_try.conf"
pg_ctlcluster "$2" main restart || pg_ctlcluster "$2" main start
runuser -u postgres -- createdb story
runuser -u postgres -- psql -X -d story -f /srv/demo.sql
runuser -u postgres -- psql -X -d story -c "DROP OWNED BY CURRENT_USER CASCADE" >/dev/null 2>&1 || true
runuser -u postgres -- dropdb story
rm "/etc/postgresql/$2/main/conf.d/softdelete_try.conf"
pg_ctlcluster "$2" main restart
apt-get purge -qy "postgresql-$2-softdelete"
find / -xdev -name '*softdelete*' ! -path "/srv/$1" ! -path '/var/cache/apt/*' >/tmp/after
pg_ctlcluster "$2" main stop
diff /tmp/before /tmp/after
TRY
chroot /srv/bare sh /srv/try "$(basename "$package")" "$(major)" >/tmp/try.log 2>&1 || { cat /tmp/try.log; fail 'the bare system'; }
say 'on a bare system the demo tells its story, and nothing is left after the purge'
