#!/bin/bash
# Set up what the station needs on Debian 12 or Raspberry Pi OS: system packages that are missing, and a virtual
# environment. Safe to run again at any time; quick when there is nothing to do.
#
#   tools/setup.sh main            .venv          the project, its tools, the ai-edge-litert runtime
#   tools/setup.sh bench           .venv          the same and the benchmarks' data
#   tools/setup.sh tflite          .venv-tflite   the project on the tflite-runtime, numpy 1
#   tools/setup.sh deb             what builds the Debian package; no environment
#   tools/setup.sh appliance       what tries it out in a minimal Debian; no environment
#
# PYTHON=/path/to/python chooses the interpreter (3.11 or newer; the tflite environment needs 3.11).
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }

is_pi() { grep -qs "Raspberry Pi" /proc/device-tree/model; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3}; do
        if new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@" # nobody there to type a password
    fi
}

missing_packages() {
    [ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null || echo mosquitto
    command -v mosquitto_pub >/dev/null || echo mosquitto-clients
    local python
    python=$(find_python)
    [ -n "$python" ] || echo python3
    { [ -n "$python" ] && "$python" -c 'import ensurepip, venv' 2>/dev/null; } || echo python3-venv
    if is_pi && ! /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
        echo python3-numpy # picamera2 comes from apt too, and breaks beside a second numpy
    fi
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "$@" </dev/null
}

missing_builders() {
    command -v dh >/dev/null || echo debhelper
    command -v dpkg-buildpackage >/dev/null || echo dpkg-dev
}

missing_machines() {
    command -v systemd-nspawn >/dev/null || echo systemd-container
    command -v mmdebstrap >/dev/null || echo mmdebstrap
}

# Debian starts a broker on port 1883 as soon as its package is installed, and at every boot. The station brings its
# own where it needs one, so a broker that came only with this set-up stays off.
install_quietly() {
    local policy=/usr/sbin/policy-rc.d ours=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        ours=yes
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    local status=0
    apt_install "$@" || { as_root apt-get update --quiet=2 </dev/null && apt_install "$@"; } || status=$?
    [ -z "$ours" ] || { as_root rm -f "$policy" && trap - EXIT; }
    [ "$status" = 0 ] || die "apt-get could not install: $*"
    case " $* " in
        *" mosquitto "*)
            # `systemctl disable`, also where systemd is not running or not there yet
            as_root rm -f /etc/systemd/system/multi-user.target.wants/mosquitto.service
            say "the system's own mosquitto service is left switched off (systemctl enable --now mosquitto starts it)"
            ;;
    esac
}

system_packages() {
    local packages
    packages=$("$@" | paste -sd ' ')
    [ -n "$packages" ] || return 0
    command -v apt-get >/dev/null || die "missing: $packages; this system has no apt-get, install them by its own means"
    if [ "$(id -u)" != 0 ] && ! { command -v sudo >/dev/null && as_root true; }; then
        die "missing: $packages; this needs root or sudo: apt-get install $packages"
    fi
    say "installing $packages"
    # shellcheck disable=SC2086 # one word a package
    install_quietly $packages
}

fingerprint() { # of all that decides what an environment holds
    { cat pyproject.toml tools/setup.sh tools/requirements.py; echo "$1"; "$2" -VV; } | sha256sum | cut -c 1-16
}

environment() { # folder, wanted, requirements...
    local folder=$1 wanted=$2 python stamp
    shift 2
    python=$(find_python)
    [ -n "$python" ] || die "no Python 3.11 or newer found; name one with PYTHON=/path/to/python"
    stamp=$folder/.set-up-$wanted-$(fingerprint "$wanted" "$python")
    [ ! -e "$stamp" ] || return 0
    if ! new_enough "$folder/bin/python"; then
        say "creating $folder with $("$python" -V)"
        rm -rf "$folder"
        if is_pi; then
            "$python" -m venv --system-site-packages "$folder"
        else
            "$python" -m venv "$folder"
        fi
    fi
    say "installing into $folder: $wanted"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@" </dev/null
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable . </dev/null
    rm -f "$folder/.set-up-$wanted-"*
    touch "$stamp"
}

requirements() { "$(find_python)" tools/requirements.py "$@"; }

[ -z "${PYTHON:-}" ] || new_enough "$PYTHON" || die "PYTHON=$PYTHON is no Python 3.11 or newer"
case "${1:-}" in
    deb) system_packages missing_builders && exit 0 ;;
    appliance) system_packages missing_machines && exit 0 ;;
esac
system_packages missing_packages
case "${1:-}" in
    main | bench)
        extras=dev
        [ "$1" = main ] || extras="dev bench"
        # shellcheck disable=SC2086
        mapfile -t wanted < <(requirements $extras)
        environment .venv "$1" "${wanted[@]}"
        ;;
    tflite)
        if "$(find_python)" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then
            say "left out: tflite-runtime exists up to Python 3.11 only (the other runtime is tested)"
            exit 0
        fi
        mapfile -t wanted < <(requirements dev tflite --without ai-edge-litert)
        environment .venv-tflite tflite "${wanted[@]}"
        ;;
    *) die "usage: tools/setup.sh main|bench|tflite|deb|appliance" ;;
esac
