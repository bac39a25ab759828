#!/bin/bash
# Build the Debian package (Debian 12, Raspberry Pi OS): dist/validation-station_VERSION_ARCH.deb
#
#   tools/make_deb.sh [--arch amd64|arm64] [--version VERSION] [--into FOLDER]
#
# Any machine builds both architectures: nothing is compiled, debian/rules lays wheels out. The network is needed the
# first time only, for the wheels of debian/vendored.txt, which must be exactly those files.
# --version makes a package, and a program, that calls itself so: for trying upgrades out.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "make_deb: $*" >&2; exit 1; }

arch=$(dpkg --print-architecture) version= into=dist
while [ $# -gt 0 ]; do
    case "$1" in
        --arch) arch=${2:?} ;;
        --version) version=${2:?} ;;
        --into) into=${2:?} ;;
        *) die "usage: tools/make_deb.sh [--arch amd64|arm64] [--version VERSION] [--into FOLDER]" ;;
    esac
    shift 2
done
case "$arch" in
    amd64) machine=x86_64 ;;
    arm64) machine=aarch64 ;;
    *) die "no package for $arch: amd64 or arm64" ;;
esac
command -v dpkg-buildpackage dh >/dev/null || die "missing: apt-get install --no-install-recommends debhelper dpkg-dev"
command -v python3.11 >/dev/null || die "missing: python3.11, as Debian 12 has it"
pip=(.venv/bin/python -m pip --quiet --disable-pip-version-check)
[ -x .venv/bin/python ] || die "missing: .venv; run make setup"

vendored() { # folder: fill it with the wheels of debian/vendored.txt
    local folder=$1 stamp platforms=() libc
    stamp=$folder/.$(sha256sum debian/vendored.txt | cut -c 1-16)
    [ ! -e "$stamp" ] || return 0
    rm -rf "$folder"
    for libc in 2014 _2_17 _2_27 _2_28 _2_31; do platforms+=(--platform "manylinux${libc}_$machine"); done
    "${pip[@]}" download --dest "$folder" --requirement debian/vendored.txt --require-hashes --no-deps \
        --only-binary :all: --python-version 3.11 "${platforms[@]}"
    touch "$stamp"
}

work=build/deb/$arch
source=$work/source
wheels=build/deb/wheels-$arch
rm -rf "$source"
mkdir -p "$source/wheels" "$into"
vendored "$wheels"
tar -c --exclude=__pycache__ station drivers calibration systemd debian docs examples tools/deb_tree.py \
    pyproject.toml README.md CHANGELOG.md LICENSE | tar -x -C "$source"
[ -z "$version" ] || sed -i "s/^__version__ = .*/__version__ = \"$version\"/" "$source/station/__init__.py"
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$source/station/__init__.py")
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y pyproject.toml)
export SOURCE_DATE_EPOCH
debian_version=${version/.dev/~dev}
debian_version=${debian_version/rc/~rc}

cp "$wheels"/*.whl "$source/wheels/"
"${pip[@]}" wheel --no-deps --wheel-dir "$source/wheels" "$source"
rm -rf "$source/build" "$source"/*.egg-info
sed -i "s/@VERSION@/$debian_version/" "$source/debian/validation-station.preinst"
cat >"$source/debian/changelog" <<CHANGELOG
validation-station ($debian_version) stable; urgency=medium

  * See CHANGELOG.md.

 -- The maintainers of validation-station <maintainers@validation-station.invalid>  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
CHANGELOG
(cd "$source" && dpkg-buildpackage --build=binary --no-sign --no-check-builddeps --host-arch "$arch" >../build.log 2>&1) ||
    { tail -30 "$work/build.log" >&2; die "the package could not be built; all of it: $work/build.log"; }
package=validation-station_${debian_version}_$arch.deb
mv "$work/$package" "$into/"
rm -rf "$source" "$work"/*.buildinfo "$work"/*.changes
echo "$into/$package: $(du -h --apparent-size "$into/$package" | cut -f 1), installed" \
    "$(($(dpkg-deb --field "$into/$package" Installed-Size) / 1024)) MiB"
