#!/usr/bin/env bash
# Tests of ./lossmith itself, in a copy of its scripts with stand-ins for Maven, the JDK and the
# compilers, so that they take seconds and need neither network nor root. Writes a JUnit report.
set -uo pipefail

source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
results=() failures=0

check() { # check NAME CONDITION...: one test
  local name=$1
  shift
  if "$@"; then
    echo "ok  $name"
    results+=("<testcase classname=\"launcher\" name=\"$name\"/>")
  else
    echo "FAILED  $name"
    sed 's/^/    stdout: /' "$work/out" 2>/dev/null
    sed 's/^/    stderr: /' "$work/err" 2>/dev/null
    results+=("<testcase classname=\"launcher\" name=\"$name\"><failure/></testcase>")
    failures=$((failures + 1))
  fi
}

# --- A small project with stand-ins -------------------------------------------------------------

tree=$work/tree bin=$work/bin jdk=$work/jdk
mkdir -p "$tree/java/lossmith" "$tree/include" "$tree/native" "$tree/cmake" "$bin" "$jdk/bin" \
  "$work/home"
cp -r "$source_root/lossmith" "$source_root/tools" "$source_root/pom.xml" "$tree/"
echo one >"$tree/native/a.cpp"

# A PATH with the everyday tools of a bare system only.
for tool in bash basename cat cksum cut date dirname env find flock grep head ls mkdir mktemp \
  printf readlink rm sed sha256sum sleep sort stat tail touch tr uname wc xargs; do
  ln -s "$(command -v "$tool")" "$bin/$tool"
done

stand_in() { # stand_in NAME: an executable with the text from standard input
  printf '#!%s\n' "$(command -v bash)" >"$1"
  cat >>"$1"
  chmod +x "$1"
}

echo 'JAVA_VERSION="17.0.1"' >"$jdk/release"
stand_in "$jdk/bin/javac" <<<'echo javac 17.0.1'
stand_in "$jdk/bin/java" <<'E2'
shift 2 # -jar JAR
echo "arguments: $*"
[[ $* == *fail-with-7* ]] && exit 7
exit 0
E2

make_tools() {
  stand_in "$bin/ldconfig" <<<'echo libfontconfig.so.1'
  stand_in "$bin/cmake" <<<'echo "cmake version 3.25.1"'
  stand_in "$bin/ninja" <<<'exit 0'
  stand_in "$bin/g++" <<<'cat >/dev/null'
  stand_in "$bin/mvn" <<E2
[[ \$1 == -v ]] && { echo "Apache Maven 3.8.7"; exit 0; }
echo "\$*" >>"$work/mvn.calls"
echo "[INFO] noise on standard output"
if [[ -f "$work/break-the-build" ]]; then
  echo "[ERROR] a.cpp:1:1: error: this is why"
  exit 1
fi
[[ -f "$work/slow-build" ]] && sleep 1
mkdir -p "$tree/java/lossmith-cli/target"
echo jar >"$tree/java/lossmith-cli/target/lossmith-cli-$version.jar"
E2
}

lossmith() { # runs the copy in the bare environment; out, err and rc hold what came of it
  # Without cuda_home there is no CUDA, whatever this machine has.
  local cuda=LOSSMITH_NO_CUDA=1
  [[ -z ${cuda_home-} ]] || cuda=CUDA_HOME=$cuda_home
  env -i PATH="$bin" HOME="$work/home" LOSSMITH_NO_INSTALL=1 JAVA_HOME="${java_home-$jdk}" "$cuda" \
    "$tree/lossmith" "$@" >"$work/out" 2>"$work/err" </dev/null
  rc=$?
}

out_has() { grep -qF -- "$1" "$work/out"; }
err_has() { grep -qF -- "$1" "$work/err"; }
builds() { [[ -f $work/mvn.calls ]] && wc -l <"$work/mvn.calls" || echo 0; }

# --- Usage --------------------------------------------------------------------------------------

lossmith --version
version=$(sed 's/^lossmith //' "$work/out")
check 'version is that of the parent POM' grep -qF "<version>$version</version>" "$tree/pom.xml"
lossmith --help
check 'help exits 0' test "$rc" = 0
for command in demo eval quantize inspect info bench test; do
  check "help names $command" grep -qE "^  $command " "$work/out"
done
lossmith
check 'no command exits 2' test "$rc" = 2
check 'no command prints the usage on stderr only' test ! -s "$work/out" -a -s "$work/err"
lossmith dmeo
check 'an unknown command exits 2' test "$rc" = 2
check 'an unknown command is named' err_has "unknown command 'dmeo'"
lossmith test everything
check 'a surplus argument exits 2' test "$rc" = 2

# --- Missing tools ------------------------------------------------------------------------------

lossmith info
check 'missing tools exit 1' test "$rc" = 1
check 'missing tools: the CMake version is named' err_has 'CMake 3.25 or newer'
check 'missing tools: the apt line is printed' grep -qE \
  'apt-get install .*maven.*cmake.*ninja-build.*g\+\+.*libhwy-dev' "$work/err"
check 'missing tools: stdout stays empty' test ! -s "$work/out"
make_tools
stand_in "$bin/cmake" <<<'echo "cmake version 3.22.1"'
lossmith info
check 'an old CMake exits 1' test "$rc" = 1
check 'an old CMake: found version is named' err_has 'found 3.22.1'
check 'an old CMake: says where a newer one is' err_has 'pip install --user cmake'
make_tools
echo 'JAVA_VERSION="11.0.2"' >"$work/old-release"
mkdir -p "$work/old/bin" && cp "$jdk/bin/"* "$work/old/bin/" && cp "$work/old-release" "$work/old/release"
ln -s "$jdk/bin/javac" "$bin/javac"
java_home=$work/old lossmith info
check 'an old JAVA_HOME is passed over with a word' err_has "JAVA_HOME=$work/old is no JDK 17"
rm "$bin/javac"
rm -rf "$work/mvn.calls" "$tree/.lossmith" "$tree/java/lossmith-cli"

# --- Building and starting ----------------------------------------------------------------------

touch "$work/break-the-build"
lossmith info
check 'a failing build exits 1' test "$rc" = 1
check 'a failing build shows the error' err_has 'this is why'
check 'a failing build names the log' err_has "$tree/.lossmith/logs/build.log"
rm "$work/break-the-build" "$work/mvn.calls"

lossmith eval infonce --x 'a b.npy' --json
check 'the first start builds' test "$(builds)" = 1
check 'stdout holds the command output only' \
  test "$(cat "$work/out")" = 'arguments: eval infonce --x a b.npy --json'
begin=$(date +%s%N)
lossmith info
elapsed=$((($(date +%s%N) - begin) / 1000000))
check 'the second start builds nothing' test "$(builds)" = 1
check "the second start says nothing" test ! -s "$work/err"
check "the second start is fast" test "$elapsed" -lt 1500
echo "    ($elapsed ms)"
lossmith demo
check 'the demo starts where fonts are' out_has 'arguments: demo'
stand_in "$bin/ldconfig" <<<'echo libz.so.1'
lossmith demo
check 'missing fonts: the package is named' err_has 'libfontconfig1'
make_tools
lossmith eval fail-with-7
check 'the exit code is passed through' test "$rc" = 7
echo '<onnxruntime.version>1.2.3</onnxruntime.version>' >"$tree/java/lossmith-cli/pom.xml"
lossmith quantize m.onnx --out q.onnx
check 'quantize needs no ONNX Runtime' test "$(grep -c onnxruntime "$work/mvn.calls")" = 0
lossmith quantize m.onnx --calibration x.npy --out q.onnx
check 'quantize --calibration fetches ONNX Runtime' grep -qF 'onnxruntime:1.2.3' "$work/mvn.calls"
check 'quantize gets its arguments' out_has 'arguments: quantize m.onnx --calibration x.npy'
mkdir "$tree/java/lossmith-cli/target/lib"
echo jar >"$tree/java/lossmith-cli/target/lib/onnxruntime-1.2.3.jar"
lossmith quantize m.onnx --calibration=x.npy --out q.onnx
check 'ONNX Runtime is fetched once' test "$(grep -c onnxruntime "$work/mvn.calls")" = 1
rm -r "$tree/java/lossmith-cli/target/lib" "$tree/java/lossmith-cli/pom.xml"
lossmith info
echo "-" >"$work/mvn.calls"
touch "$tree/native/a.cpp"
lossmith info
check 'a touched source builds nothing' test "$(builds)" = 1
echo two >"$tree/native/a.cpp"
lossmith info
check 'a changed source builds' test "$(builds)" = 2
rm "$tree/java/lossmith-cli/target/"*.jar
lossmith info
check 'a removed jar builds' test "$(builds)" = 3
echo other >"$tree/java/lossmith-cli/target/lossmith-cli-$version.jar"
lossmith info
check 'a jar made elsewhere builds' test "$(builds)" = 4
mkdir "$tree/java/lossmith-cli/target/lib"
echo other >"$tree/java/lossmith-cli/target/lib/lossmith-$version.jar"
lossmith info
check 'a library made elsewhere builds' test "$(builds)" = 5
echo three >"$tree/native/a.cpp"
touch "$work/slow-build"
for _ in 1 2; do
  env -i PATH="$bin" HOME="$work/home" JAVA_HOME="$jdk" LOSSMITH_NO_CUDA=1 \
    "$tree/lossmith" info &>>"$work/err" &
done
wait
check 'of two starts at once only one builds' test "$(builds)" = 6
check 'of two starts at once the other one waits' err_has 'waiting for another build'
ln -s "$tree/lossmith" "$bin/lossmith"
(cd "$work/home" && env -i PATH="$bin" HOME="$work/home" JAVA_HOME="$jdk" LOSSMITH_NO_CUDA=1 \
  lossmith info >"$work/out" 2>"$work/err")
check 'starts through a link from another folder' out_has 'arguments: info'

# --- CUDA ---------------------------------------------------------------------------------------

nvcc_says() { # nvcc_says VERSION: a stand-in for the compiler of CUDA
  mkdir -p "$work/cuda/bin"
  stand_in "$work/cuda/bin/nvcc" <<<"echo 'Cuda compilation tools, release $1, V$1.1'"
}
rm "$work/slow-build"
last_call() { tail -n 1 "$work/mvn.calls"; }
check 'without nvcc the profile is left out' grep -qv -- -Pgpu <<<"$(last_call)"
before=$(builds)
nvcc_says 13.0
cuda_home=$work/cuda lossmith info
check 'an nvcc that has come builds' test "$(builds)" = $((before + 1))
check 'with nvcc the profile is on' grep -q -- ' -Pgpu ' <<<"$(last_call)"
cuda_home=$work/cuda lossmith info
check 'an nvcc that stays builds nothing' test "$(builds)" = $((before + 1))
lossmith info
check 'LOSSMITH_NO_CUDA builds without it' grep -qv -- -Pgpu <<<"$(last_call)"
touch "$work/break-the-build"
cuda_home=$work/cuda lossmith info
check 'a failing build with CUDA says how to do without' err_has 'LOSSMITH_NO_CUDA=1'
rm "$work/break-the-build"
lossmith info
finds() { # whether the launcher takes the stand-in
  (source "$tree/tools/launcher/setup.sh" && CUDACXX=$work/cuda/bin/nvcc && find_nvcc
    [[ $nvcc == "$CUDACXX" && $nvcc == "$work"/* ]])
}
check 'CUDACXX comes first' finds
nvcc_says 12.9
check 'an old nvcc is passed over' eval '! finds'

# --- A newer JDK --------------------------------------------------------------------------------

echo 'JAVA_VERSION="25.0.1"' >"$jdk/release"
stand_in "$jdk/bin/java" <<<'echo "arguments: $*"'
lossmith info
check 'a new JDK is given native access' out_has '--enable-native-access=ALL-UNNAMED'

# --- Report -------------------------------------------------------------------------------------

mkdir -p "$source_root/tests/launcher/target"
{
  echo "<testsuite name=\"launcher\" tests=\"${#results[@]}\" failures=\"$failures\" errors=\"0\" skipped=\"0\">"
  printf '%s\n' "${results[@]}"
  echo '</testsuite>'
} >"$source_root/tests/launcher/target/launcher.xml"
echo "launcher: $((${#results[@]} - failures)) passed, $failures failed"
((failures == 0))
