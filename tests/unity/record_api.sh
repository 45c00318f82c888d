#!/bin/sh
# Writes Core's public API into Core/PublicAPI.Unshipped.txt, from what the analyzer misses. Run it after a wanted change.
set -eu
cd "$(dirname "$0")"
echo '#nullable enable' > Core/PublicAPI.Unshipped.txt
dotnet build Core -m:1 -v q -clp:NoSummary -f netstandard2.1 --no-incremental 2>&1 \
  | sed -n "s/.*error RS0016: Symbol '\(.*\)' is not part of the declared public API.*/\1/p" | LC_ALL=C sort -u > Core/api.tmp || true
cat Core/api.tmp >> Core/PublicAPI.Unshipped.txt
rm Core/api.tmp
