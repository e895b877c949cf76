#!/bin/sh
# Sets Overnight up: .venv beside the Makefile, and on Debian and Ubuntu the system's packages.
#
#   scripts/setup.sh window     Python, and Qt's libraries for a real display
#   scripts/setup.sh tests      Python, and Qt's libraries for drawing offscreen
#   scripts/setup.sh terminal   Python only: the command line draws nothing
#
# OVERNIGHT_PYTHON names the Python to take; without it the newest on PATH that works is taken.
# Every `make run` and `make test` comes through here, so the way where nothing is left to do
# is short: one checksum and one dpkg-query.
set -eu
cd "$(dirname "$0")/.."

offscreen_packages='libglib2.0-0 libgl1 libegl1 libxkbcommon0 libdbus-1-3 libfontconfig1
  libgssapi-krb5-2 fonts-dejavu-core'
display_packages='libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 libxcb-render-util0
  libxcb-randr0 libxcb-shape0 libxcb-sync1 libxcb-xfixes0 libxcb-xkb1 libxkbcommon-x11-0
  libx11-xcb1'

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# --- Python -----------------------------------------------------------------------------------

# Only running it tells: pyenv leaves names on PATH that fail, and MLX has no wheels for a Mac's
# Intel Python under Rosetta.
is_supported() {
  "$1" -c 'import platform, sys
intel_mac = sys.platform == "darwin" and platform.machine() != "arm64"
sys.exit(intel_mac or not (3, 11) <= sys.version_info[:2] <= (3, 14))
' >/dev/null 2>&1
}

# Debian keeps ensurepip, and with it a working venv, in a package of its own.
can_make_venv() { is_supported "$1" && "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# Prints the path of the first Python, newest version first, that passes the given test.
find_python() (
  set -f
  IFS=:
  if [ -n "${OVERNIGHT_PYTHON:-}" ]; then
    python=$(command -v "$OVERNIGHT_PYTHON") && "$1" "$python" && printf '%s\n' "$python"
    exit
  fi
  for name in python3.14 python3.13 python3.12 python3.11 python3; do
    for folder in $PATH; do
      python=$folder/$name
      if [ -x "$python" ] && "$1" "$python"; then
        printf '%s\n' "$python"
        exit
      fi
    done
  done
  exit 1
)

# True where .venv can be built on: it was made here (its scripts hold full paths, so a moved
# folder breaks them), and its Python is still there and has pip.
venv_is_sound() {
  [ "$(sed -n 1p "$stamp" 2>/dev/null || pwd)" = "$(pwd)" ] &&
    is_supported .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1
}

uv_may_bring_python() { [ -z "${OVERNIGHT_PYTHON:-}" ] && has uv; }

# Prints the Debian packages without which no .venv can be made, if any.
python_packages() {
  if venv_is_sound || find_python can_make_venv >/dev/null || uv_may_bring_python; then
    return
  elif python=$(find_python is_supported); then
    "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
  else
    echo python3 python3-venv
  fi
}

make_venv() {
  rm -rf .venv
  if python=$(find_python can_make_venv); then
    printf 'Making .venv with %s.\n' "$python"
    "$python" -m venv .venv
  elif uv_may_bring_python; then
    echo 'Making .venv with a Python that uv brings.'
    uv venv --seed --python 3.13 .venv
  else
    fail 'Overnight needs Python 3.11 to 3.14 (on a Mac one for Apple Silicon), and found none.' \
      'Install one, or uv, and try again. OVERNIGHT_PYTHON=/path/to/python3 names one elsewhere.'
  fi
}

# --- System packages --------------------------------------------------------------------------

# Prints those of the named packages that are not installed. Since the move to 64-bit time
# (Ubuntu 24.04, Debian 13) some end in t64; apt still finds them by the old name.
missing_packages() {
  # shellcheck disable=SC2046 # package names have no spaces
  installed=$(dpkg-query --show --showformat '/${Package} ${db:Status-Status}/' \
    "$@" $(printf '%st64 ' "$@") 2>/dev/null || :)
  for package; do
    case $installed in
      *"/$package installed/"* | *"/${package}t64 installed/"*) ;;
      *) printf '%s ' "$package" ;;
    esac
  done
}

install_packages() {
  [ "$(id -u)" -eq 0 ] || fail \
    'Some system packages are missing. Install them with this line, then try again:' '' \
    "sudo apt-get install --yes --no-install-recommends $*" ''
  printf 'Installing system packages: %s\n' "$*"
  # A list that cannot be refreshed may still be good enough to install from.
  apt-get update -qq || :
  DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends "$@" ||
    fail 'The system packages above could not be installed; apt-get says why. Then try again.'
}

# --- The set-up -------------------------------------------------------------------------------

install() {
  quiet=--quiet
  [ ! -t 1 ] || quiet=
  # shellcheck disable=SC2086 # empty means no argument
  .venv/bin/python -m pip install --disable-pip-version-check $quiet "$@" || fail \
    'Not all that Overnight needs could be installed; pip says why above. Is this machine online?' \
    'Try again: it goes on where it stopped.'
}

install_requirements() {
  echo 'Installing what Overnight needs into .venv. This happens once and takes a few minutes.'
  install --require-hashes --requirement requirements.txt
  install --require-hashes --no-deps --requirement requirements-starter.txt
  # Without it search goes by words alone, which is no reason to stop here.
  (install --require-hashes --no-deps --requirement requirements-meaning.txt) ||
    echo 'Going on without search by meaning; `overnight doctor` says so too.'
  install --no-deps --no-build-isolation --editable .
}

case ${1:-} in
  window) packages="$offscreen_packages $display_packages" ;;
  tests) packages=$offscreen_packages ;;
  terminal) packages= ;;
  *) fail 'Usage: scripts/setup.sh window|tests|terminal' ;;
esac

# The stamp says where .venv was made and, once it is whole, from what; by content, since git
# changes dates.
stamp=.venv/.set-up
state=$(pwd && cksum pyproject.toml requirements.txt requirements-starter.txt \
  requirements-meaning.txt scripts/setup.sh)
ready=no
if [ "$(cat "$stamp" 2>/dev/null)" = "$state" ] && [ -x .venv/bin/python ]; then
  ready=yes
fi

if has dpkg-query && has apt-get; then
  [ $ready = yes ] || packages="$packages $(python_packages)"
  # shellcheck disable=SC2086 # a list of names
  missing=$(missing_packages $packages)
  # shellcheck disable=SC2086
  [ -z "$missing" ] || install_packages $missing
fi

if [ $ready = no ]; then
  venv_is_sound || make_venv
  pwd >"$stamp"
  install_requirements
  printf '%s\n' "$state" >"$stamp"
fi
