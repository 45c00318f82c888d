#!/bin/sh
# Compiles the Unity package and runs the C# tests; fails where none ran.
#
# UNITY_REFS: a folder with UnityEngine's assemblies; without it the components, the Editor's code and the samples are not
# compiled. SCENEWRIGHT_COMMAND: the `scenewright` whose server the tests start; .venv's unless given.
# With --if-there it does nothing, and says so, where there is no .NET SDK.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
python=${PYTHON:-$root/.venv/bin/python}
if ! command -v dotnet >/dev/null; then
  echo "no C# test ran: there is no .NET SDK (dotnet, 10 or later)"
  [ "${1:-}" = --if-there ] && exit 0
  exit 1
fi

"$python" make_metas.py --check
dotnet build Core -m:1 -v q -clp:NoSummary
if [ -n "${UNITY_REFS:-}" ]; then
  "$python" snippets.py artifacts/snippets "$root/docs/unity.md" "$root/unity_client/Documentation~/index.md"
  dotnet build Components -m:1 -v q -clp:NoSummary
  dotnet build Components -m:1 -v q -clp:NoSummary --no-dependencies -p:UnityDefines=SCENEWRIGHT_ARF6
  wc -l "$root"/unity_client/Runtime/Unity/*.cs | sort -n | tail -2 | head -1
else
  echo "components, Editor, samples and snippets were not compiled: UNITY_REFS names no folder"
fi

dotnet build Tests -m:1 -v q -clp:NoSummary
report=artifacts/tests.txt
dotnet test --project Tests --no-build --no-ansi --no-progress | tee "$report"
ran=$(sed -n 's/^ *succeeded: *\([0-9]*\).*/\1/p' "$report" | tail -1)
[ "${ran:-0}" -gt 0 ] || { echo "no C# test ran"; exit 1; }

compiler=$(command -v clang >/dev/null && echo clang || echo gcc)
dotnet publish Aot -m:1 -v q -clp:NoSummary -p:CppCompilerAndLinker="$compiler" -o artifacts/aot
artifacts/aot/talk
ls -l artifacts/aot/talk | awk '{ print "the native program has " $5 " bytes" }'
echo "$ran C# tests ran"
