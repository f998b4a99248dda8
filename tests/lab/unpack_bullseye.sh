#!/usr/bin/env bash
# Unpacks the QEMU 5.2 of Debian 11 with all of its libraries into FOLDER: nothing is installed. It starts in a chroot,
# by root. Where Debian is had from, the machine's own apt sources say.
#   unpack_bullseye.sh FOLDER      leaves FOLDER/qemu-system-x86_64
set -euo pipefail
folder=$(realpath -m "${1:?FOLDER}")
program=$folder/qemu-system-x86_64
[ -x "$program" ] && "$program" --version >/dev/null 2>&1 && exit 0

mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)' 'Created-By: Packages' |
  awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "bookworm" { print $4; exit }')
[ -n "$mirror" ] || { echo "no apt source for Debian's bookworm is known here: run apt-get update first" >&2; exit 1; }

work=$folder/apt
root=$folder/root
mkdir -p "$work/lists/partial" "$work/archives/partial" "$root"
printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s bullseye main\n' \
  "$mirror" >"$work/sources.list"
: >"$work/status" # of a machine that has nothing
own_apt() {
  apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work" \
    -o Dir::Cache::Archives="$work/archives" -o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}
own_apt update
own_apt install --download-only --no-install-recommends -y qemu-system-x86 seabios ipxe-qemu >/dev/null
for package in "$work"/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
mkdir -p "$root/tmp" "$root/proc" "$root/dev"

# The lab's files lie in /tmp. Every step is an exec, so that its pid is QEMU's.
cat >"$program" <<WRAPPER
#!/bin/sh
exec unshare -m --propagation private sh -c '
  for folder in tmp proc dev; do mount --bind /\$folder $root/\$folder || exit 1; done
  exec chroot $root /usr/bin/qemu-system-x86_64 "\$@"' sh "\$@"
WRAPPER
chmod +x "$program"
"$program" --version >/dev/null
rm -rf "$work"
