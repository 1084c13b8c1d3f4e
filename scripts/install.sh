#!/bin/sh
# Installs mcpstead from its releases, without root:
#   curl -fsSL https://github.com/ahkohd/mcpstead/releases/latest/download/install.sh | sh
# With arguments: … | sh -s -- --version 0.1.0 --to /opt/bin
set -eu

# The platforms of scripts/targets.ts that this script can run on.
platforms='darwin-arm64 darwin-x64 linux-x64 linux-arm64 linux-x64-musl linux-arm64-musl'

usage() {
  cat <<'EOF'
Installs mcpstead for this platform, or takes it away.

  --to DIR       install to (or uninstall from) DIR; default: ~/.local/bin
  --version X    install version X; default: the newest release
  --uninstall    remove mcpstead
  --help         show this

MCPSTEAD_DOWNLOAD_URL names a mirror of https://github.com/ahkohd/mcpstead/releases.
EOF
}

say() { printf '%s\n' "mcpstead: $*"; }
fail() {
  printf '%s\n' "mcpstead: $*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# Sets `platform` to the name of this platform.
detect_platform() {
  system=$(uname -s)
  cpu=$(uname -m)
  case $system in
    Darwin) system=darwin ;;
    Linux) system=linux ;;
    MINGW* | MSYS* | CYGWIN*)
      fail 'on Windows, use npm install -g @ahkohd/mcpstead, or take the .zip from https://github.com/ahkohd/mcpstead/releases' ;;
  esac
  case $cpu in
    arm64 | aarch64) cpu=arm64 ;;
    x86_64 | amd64) cpu=x64 ;;
  esac
  # A shell under Rosetta reports x86_64 on Apple silicon.
  if [ "$system-$cpu" = darwin-x64 ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" = 1 ]; then
    cpu=arm64
  fi
  # A 64-bit kernel can run a 32-bit system, as on a Raspberry Pi.
  if [ "$system" = linux ] && [ "$(getconf LONG_BIT 2>/dev/null || echo 64)" = 32 ]; then
    cpu=$cpu-32bit
  fi
  platform=$system-$cpu
  if [ "$system" = linux ] && uses_musl; then platform=$platform-musl; fi
  case " $platforms " in
    *" $platform "*) ;;
    *) fail "there is no program for $platform, only for $platforms" ;;
  esac
}

# ldd belongs to the C library and names it; without ldd, look for the loaders.
uses_musl() {
  if has ldd; then
    # musl's ldd does not know --version and names itself on stderr, with exit code 1.
    case $(ldd --version 2>&1 || true) in
      *musl*) return 0 ;;
      *) return 1 ;;
    esac
  fi
  for loader in /lib/ld-linux-*.so.* /lib64/ld-linux-*.so.*; do
    if [ -e "$loader" ]; then return 1; fi
  done
  for loader in /lib/ld-musl-*.so.1; do
    if [ -e "$loader" ]; then return 0; fi
  done
  return 1
}

# download NAME FILE: downloads a file of the release.
download() {
  url=${MCPSTEAD_DOWNLOAD_URL:-https://github.com/ahkohd/mcpstead/releases}
  if [ -n "$version" ]; then url=$url/download/v$version/$1; else url=$url/latest/download/$1; fi
  if has curl; then
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --speed-time 30 --speed-limit 1000 \
      --output "$2" "$url" || fail "cannot download $url"
  elif has wget; then
    # Not every wget has options for this.
    if has timeout; then set -- "$1" "$2" timeout 600; fi
    file=$2
    shift 2
    "$@" wget -q -O "$file" "$url" || fail "cannot download $url"
  else
    fail 'needs curl or wget to download'
  fi
}

# Prints the SHA-256 of a file in hexadecimal.
sha256() {
  if has sha256sum; then
    sha256sum "$1"
  elif has shasum; then
    shasum -a 256 "$1"
  else
    openssl dgst -sha256 -r "$1"
  fi | cut -d ' ' -f 1
}

install_program() {
  detect_platform
  has sha256sum || has shasum || has openssl || fail 'needs sha256sum, shasum or openssl to verify the download'
  archive=mcpstead-$platform.tar.gz
  temporary=$(mktemp -d)
  fresh=$to/.mcpstead.$$
  trap 'rm -rf "$temporary" "$fresh"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM

  say "downloading $archive${version:+ $version}"
  download SHA256SUMS "$temporary/SHA256SUMS"
  download "$archive" "$temporary/$archive"
  expected=$(awk -v name="$archive" '$2 == name { print $1 }' "$temporary/SHA256SUMS")
  [ -n "$expected" ] || fail "SHA256SUMS has no line for $archive"
  found=$(sha256 "$temporary/$archive")
  if [ "$found" != "$expected" ]; then
    fail "$archive has the wrong checksum, nothing was installed: expected $expected, found $found. Try again; if it stays so, report it."
  fi
  tar -xzf "$temporary/$archive" -C "$temporary"

  mkdir -p "$to" || fail "cannot create $to; choose another folder with --to DIR"
  # Replaced atomically, even while the program runs.
  cp "$temporary/mcpstead-$platform/mcpstead" "$fresh" || fail "cannot write to $to; choose another folder with --to DIR"
  chmod 755 "$fresh"
  mv -f "$fresh" "$to/mcpstead"

  if ! installed=$("$to/mcpstead" --version 2>&1); then
    printf '%s\n' "$installed" >&2
    case $platform in
      *-musl) fail "$to/mcpstead does not run here. It needs libstdc++; on Alpine: apk add libstdc++" ;;
      *) fail "$to/mcpstead does not run here" ;;
    esac
  fi
  say "installed $installed to $to/mcpstead"
  case ":$PATH:" in
    *":$to:"*)
      first=$(command -v mcpstead || true)
      if [ "$first" != "$to/mcpstead" ]; then say "but $first comes first on your PATH"; fi ;;
    *)
      say 'add it to your PATH, with this line in the profile of your shell:'
      printf '%s\n' "  export PATH=\"$to:\$PATH\"" ;;
  esac
}

uninstall_program() {
  if [ ! -e "$to/mcpstead" ]; then fail "there is no $to/mcpstead; if it is elsewhere, name its folder with --to DIR"; fi
  rm -f "$to/mcpstead" || fail "cannot remove $to/mcpstead"
  say "removed $to/mcpstead"
}

main() {
  to=
  version=
  action=install_program
  while [ $# -gt 0 ]; do
    case $1 in
      --to | --version)
        if [ -z "${2:-}" ]; then fail "$1 expects a value"; fi
        case $1 in
          --to) to=$2 ;;
          --version) version=${2#v} ;;
        esac
        shift ;;
      --uninstall) action=uninstall_program ;;
      -h | --help)
        usage
        exit 0 ;;
      *)
        usage >&2
        fail "unknown argument $1" ;;
    esac
    shift
  done
  if [ -z "$to" ]; then
    [ -n "${HOME:-}" ] || fail 'HOME is not set; name a folder with --to DIR'
    to=$HOME/.local/bin
  fi
  case $to in
    /*) ;;
    *) to=$PWD/$to ;;
  esac
  $action
}

# The shell runs nothing of this before it has read the closing brace, so a truncated download does nothing.
{
  main "$@"
}
