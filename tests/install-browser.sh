#!/bin/sh
# Installs Chromium for the browser tests where that is possible (Debian or Ubuntu, as root). Without it those tests skip, saying so.
set -u
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Chromium for the browser tests"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-color-emoji fonts-dejavu-core >/dev/null
else
    echo "no Chromium here and no way to install it: the browser tests will be skipped"
fi
