#!/bin/sh
# Signs a program for macOS and verifies the signature: `sh scripts/sign-darwin.sh PROGRAM`. Runs on macOS.
#
# With a certificate in the environment (SIGNING_IDENTITY, its name; SIGNING_CERTIFICATE, a PKCS #12 file in base64;
# SIGNING_PASSWORD, that file's password) it signs for the hardened runtime. Without one it signs ad hoc, which is enough
# for Apple silicon to run the program.
set -eu

program=$1
entitlements=$(dirname "$0")/entitlements.plist

if [ -z "${SIGNING_IDENTITY:-}" ]; then
  codesign --force --sign - --entitlements "$entitlements" "$program"
else
  # The certificate goes into a temporary keychain, which this script removes.
  folder=$(mktemp -d)
  keychain=$folder/signing.keychain-db
  trap 'security delete-keychain "$keychain" 2>/dev/null || true; rm -rf "$folder"' EXIT
  password=$(uuidgen)
  (umask 077 && printf '%s' "$SIGNING_CERTIFICATE" | base64 -D >"$folder/certificate.p12")
  security create-keychain -p "$password" "$keychain"
  security unlock-keychain -p "$password" "$keychain"
  security import "$folder/certificate.p12" -k "$keychain" -P "$SIGNING_PASSWORD" -T /usr/bin/codesign
  # Without this, codesign asks for the password in a window that nobody sees.
  security set-key-partition-list -S apple-tool:,apple: -s -k "$password" "$keychain" >/dev/null
  codesign --force --sign "$SIGNING_IDENTITY" --keychain "$keychain" --options runtime --timestamp \
    --entitlements "$entitlements" "$program"
fi

codesign --verify --strict --verbose=2 "$program"
