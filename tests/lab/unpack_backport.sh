#!/usr/bin/env bash
# Unpacks the QEMU of bookworm-backports into FOLDER, beside the machine's own: nothing is installed. Where Debian is
# had from, the machine's own apt sources say.
#   unpack_backport.sh FOLDER      leaves FOLDER/qemu-system-x86_64
set -euo pipefail
folder=$(realpath -m "${1:?FOLDER}")
program=$folder/qemu-system-x86_64
[ -x "$program" ] && "$program" --version >/dev/null 2>&1 && exit 0

mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)' 'Created-By: Packages' |
  awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "bookworm" { print $4; exit }')
[ -n "$mirror" ] || { echo "no apt source for Debian's bookworm is known here: run apt-get update first" >&2; exit 1; }

work=$folder/apt
mkdir -p "$work/lists/partial" "$work/archives/partial" "$folder/root"
printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
  "$mirror" bookworm "$mirror" bookworm-backports >"$work/sources.list"
own_apt() {
  apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work" -o Dir::Cache::Archives="$work/archives" \
    -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}
own_apt update
# What of its dependencies the machine has already is not downloaded; reinstall: the program itself always is.
own_apt install --download-only --no-install-recommends -y -t bookworm-backports \
  --reinstall qemu-system-x86 qemu-system-common qemu-system-data seabios >/dev/null
for package in "$work"/archives/*.deb; do dpkg-deb -x "$package" "$folder/root"; done

# The program finds its firmware relative to itself, but not its libraries.
libraries=$folder/root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
cat >"$program" <<WRAPPER
#!/bin/sh
LD_LIBRARY_PATH=$libraries exec $folder/root/usr/bin/qemu-system-x86_64 "\$@"
WRAPPER
chmod +x "$program"
"$program" --version >/dev/null
rm -rf "$work"
