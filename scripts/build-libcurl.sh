#!/usr/bin/env bash
# Builds the static libcurl that the release build links: HTTP with TLS (OpenSSL), HTTP/2 (nghttp2) and zlib, nothing
# else. The source is Debian's own package of curl with Debian's security patches, so this is to be built anew when
# Debian publishes an advisory: the cache is keyed by the package's version, and `apt-get update` shows a newer one.
# Prints the install prefix.
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/bootstrap.sh" program

version=$(dpkg-query -W -f '${source:Version}' libcurl4-openssl-dev)
final=$ABO_CACHE/libcurl-$version-$LIBCURL_BUILD
work=$ABO_CACHE/tmp/libcurl
log=$ABO_CACHE/logs/libcurl.log

# The machine's own package sources, with `deb` turned into `deb-src`, as lists of our own: /etc is left alone.
source_lists() {
  mkdir -p "$work/apt/lists/partial" "$work/apt/parts"
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$file" ] && sed -n 's/^deb /deb-src /p' "$file" >>"$work/apt/parts/machine.list"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    # Only Debian's own archive has curl; another's list may not be reachable at all.
    [ -f "$file" ] && grep -q debian-archive-keyring "$file" &&
      sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/apt/parts/$(basename "$file")"
  done
  [ -n "$(ls -A "$work/apt/parts")" ] || die "no Debian package source is configured in /etc/apt"
}

fetch() {
  source_lists
  local options=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/apt/parts"
    -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache="
    -o APT::Sandbox::User= -o APT::Get::List-Cleanup=0)
  apt-get "${options[@]}" update
  # With --only-source exactly this version is taken; dpkg-source applies Debian's patches as it unpacks.
  apt-get "${options[@]}" source --only-source "curl=$version"
}

# One step with its output in the log; its end is shown when it fails.
step() { "$@" >>"$log" 2>&1 </dev/null || { tail -n 8 "$log" >&2; die "$1 failed; its whole output is in $log"; }; }

build() {
  [ -e "$final/.complete" ] && return 0
  say "building a minimal static libcurl $version from Debian's source package (the release build links it; a minute)"
  rm -rf "$work"
  mkdir -p "$work/src" "$work/out" "$ABO_CACHE/logs"
  : >"$log"
  cd "$work/src" || exit
  step fetch
  cd curl-*/ || exit
  step env CC=clang-19 CFLAGS="-O2 -g0 -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong -D_FORTIFY_SOURCE=3" \
    ./configure --prefix="$final" --disable-shared --enable-static --disable-dependency-tracking \
    --with-openssl --with-nghttp2 --with-zlib --enable-threaded-resolver --enable-ipv6 --enable-proxy --enable-http \
    --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --with-ca-path=/etc/ssl/certs \
    --without-brotli --without-zstd --without-libpsl --without-libidn2 --without-librtmp --without-libssh \
    --without-libssh2 --without-gssapi --without-libgsasl --disable-ldap --disable-ldaps \
    --disable-ftp --disable-file --disable-rtsp --disable-dict --disable-telnet --disable-tftp --disable-pop3 \
    --disable-imap --disable-smb --disable-smtp --disable-gopher --disable-mqtt --disable-manual --disable-alt-svc \
    --disable-hsts --disable-ntlm --disable-ntlm-wb --disable-tls-srp --disable-unix-sockets --disable-cookies \
    --disable-netrc --disable-doh --disable-mime --disable-dateparse --disable-ares --disable-libcurl-option
  step make -C lib -j"$(nproc)"
  step make -C lib DESTDIR="$work/out" install
  step make -C include DESTDIR="$work/out" install
  touch "$work/out$final/.complete"
  publish "$work/out$final" "$final"
  cd "$ROOT" || exit
  rm -rf "$work"
  say "libcurl ready after $(elapsed)"
}

with_lock libcurl build
echo "$final"
