#!/usr/bin/env bash
# What some tests need from the system: a broker, a browser with Chinese letters, PDF tools.
# Installed by apt where we may; elsewhere it says which tests are left out, and they say so too.
set -euo pipefail

declare -A needed=(
  [mosquitto]="mosquitto: one of the three brokers of tests/brokers, and bench-edge's peer"
  [chromium]="chromium: tests of the touch page in a real browser"
)
missing=()
for command in "${!needed[@]}"; do
  command -v "$command" >/dev/null || missing+=("$command")
done
fc-list 2>/dev/null | grep -i 'noto.*cjk' >/dev/null || missing+=(fonts-noto-cjk)
command -v ip >/dev/null || {
  missing+=(iproute2)
  needed[iproute2]="iproute2: nodes of tests/journeys/test_cluster.py run on loopback then"
}
[ ${#missing[@]} -eq 0 ] && exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  echo "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null
  exit 0
fi
for name in "${missing[@]}"; do
  echo "left out without ${needed[$name]:-$name: Chinese letters in pictures of the page}" >&2
done
