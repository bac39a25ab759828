#!/bin/bash
# Make the minimal Debian 12 on which the package is tried out (tests/appliance): build/appliance/root-ARCH
#
#   tools/appliance_root.sh [amd64|arm64]
#
# Needs root. What debian/control depends on is in it, and a broker; the package itself is not. The mirror is the
# host's own, or STATION_MIRROR. A foreign architecture runs by qemu-user-static.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "appliance_root: $*" >&2; exit 1; }

arch=${1:-$(dpkg --print-architecture)}
mirror=${STATION_MIRROR:-http://deb.debian.org/debian}
wanted=systemd-sysv,udev,dbus,kmod,mosquitto,mosquitto-clients
[ "$(id -u)" = 0 ] || die "needs root"
command -v mmdebstrap >/dev/null || die "missing: apt-get install mmdebstrap"
depends=$(sed -n '/^Depends:/,/^[A-Z]/{/^Depends\|^ /p}' debian/control | grep -o 'python3[a-z0-9-]*' | sort -u | paste -sd ,)
folder=build/appliance/root-$arch
stamp=$folder/.made-of-$(echo "$wanted,$depends" | sha256sum | cut -c 1-16)
[ ! -e "$stamp" ] || exit 0
rm -rf "$folder"
mkdir -p build/appliance
nice mmdebstrap --quiet --variant=minbase --architectures="$arch" --include="$wanted,$depends" \
    bookworm "$folder" "$mirror"
touch "$stamp"
