# shellcheck shell=bash disable=SC2154,SC2034
# Builds the library and its command line when sources have changed, and starts them. Sourced by
# ./lossmith.

# The version, from the only place that holds it: the parent POM.
version() {
  sed -n '/<artifactId>lossmith-parent</,$s/.*<version>\(.*\)<\/version>.*/\1/p' "$root/pom.xml" |
    head -n 1
}

project_version=$(version)
cli_jar=$root/java/lossmith-cli/target/lossmith-cli-$project_version.jar
bench_jar=$root/tests/bench/target/lossmith-bench-$project_version.jar

library_sources=(pom.xml include native cmake java)
bench_sources=("${library_sources[@]}" tests/bench)

# fingerprint JAR SOURCE...: a hash over names and contents of the sources, of the jar that was made
# from them and the library's own jars beside it, so that a jar built from other sources in between
# is noticed, and over the compiler of CUDA. It needs no git: it works in an unpacked archive as
# well.
fingerprint() {
  local jar=$1
  shift
  (
    cd "$root" || exit 1
    {
      find "$@" -name target -prune -o -type f ! -name '*~' ! -name '.*' -print0
      find "$jar" "${jar%/*}"/lib/lossmith*.jar -print0 2>/dev/null
    } | LC_ALL=C sort -z | xargs -0 sha256sum
    echo "$nvcc"
  ) | sha256sum | cut -d ' ' -f 1
}

up_to_date() { # up_to_date STAMP JAR SOURCE...
  local stamp=$state/$1 jar=$2
  shift 2
  [[ -f $jar && -f $stamp && $(<"$stamp") == "$(fingerprint "$jar" "$@")" ]]
}

mark_built() { # mark_built STAMP JAR SOURCE...
  local stamp=$1
  shift
  mkdir -p "$state"
  fingerprint "$@" >"$state/$stamp"
}

# Maven for a build that shall only run: what proves or documents the code is left to `test`.
quick_maven() {
  (cd "$root" && mvn -B -Dmaven.test.skip=true -Dspotless.check.skip=true \
    -Dmaven.javadoc.skip=true -Dmaven.source.skip=true "${gpu_profile[@]}" "$@" package)
}

# One build at a time: a second ./lossmith waits here for the first one.
lock() {
  mkdir -p "$state"
  exec 9>"$state/lock"
  command -v flock >/dev/null || return 0
  flock -n 9 && return 0
  say 'lossmith: waiting for another build of this folder to end'
  flock 9
}

unlock() { exec 9>&-; }

ensure_built() { # ensure_built [CHECK...]: with what the command needs beyond the build
  build_unless_current library.stamp "$cli_jar" "check_build_tools $*" \
    -pl java/lossmith-cli -am -- "${library_sources[@]}"
  (($# == 0)) || set_up "$@"
}

# What runs the models that `quantize --calibration` calibrates: 75 MB, fetched when it is needed.
ensure_onnx_runtime() {
  local version lib=${cli_jar%/*}/lib
  version=$(sed -n 's/.*<onnxruntime.version>\(.*\)<.*/\1/p' "$root/java/lossmith-cli/pom.xml")
  [[ -f $lib/onnxruntime-$version.jar ]] && return 0
  run_step "Fetching ONNX Runtime $version" "$state/logs/onnxruntime.log" \
    copy_artifact "com.microsoft.onnxruntime:onnxruntime:$version" "$lib" || exit 1
}

copy_artifact() { # copy_artifact COORDINATES FOLDER
  (cd "$root" && mvn -B -N org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy \
    -Dartifact="$1" -DoutputDirectory="$2")
}

# build_unless_current STAMP JAR CHECKS MAVEN-ARGUMENT... -- SOURCE...
build_unless_current() {
  local stamp=$1 jar=$2 checks=$3 arguments=()
  shift 3
  while [[ $1 != -- ]]; do
    arguments+=("$1")
    shift
  done
  shift
  find_nvcc
  if up_to_date "$stamp" "$jar" "$@" && find_jdk; then return 0; fi
  lock
  # Whoever held the lock may have built just this.
  if ! { up_to_date "$stamp" "$jar" "$@" && find_jdk; }; then
    # shellcheck disable=SC2086
    set_up $checks
    [[ -d $HOME/.m2/repository/org/bytedeco ]] ||
      say 'First start: Maven fetches about 100 MB and builds the library; this takes a few minutes.'
    run_step "Building Lossmith $project_version" "$state/logs/build.log" \
      quick_maven "${arguments[@]}" || {
      [[ -z $nvcc ]] || say "    with CUDA $nvcc_version ($nvcc); LOSSMITH_NO_CUDA=1 builds without it"
      exit 1
    }
    mark_built "$stamp" "$jar" "$@"
  fi
  unlock
}

# Replaces this process by the JVM: signals and the exit code are the program's own.
start_java() {
  local options=()
  ((java_major >= 22)) && options+=(--enable-native-access=ALL-UNNAMED)
  # shellcheck disable=SC2206
  [[ -n ${LOSSMITH_JAVA_OPTS-} ]] && options+=($LOSSMITH_JAVA_OPTS)
  exec "$java_home/bin/java" "${options[@]}" "$@"
}

run_cli() { start_java -jar "$cli_jar" "$@"; }

run_bench() {
  build_unless_current bench.stamp "$bench_jar" 'check_build_tools check_bench_tools check_fonts' \
    -Pbench -pl tests/bench -am -- "${bench_sources[@]}"
  set_up check_fonts
  start_java -jar "$bench_jar" "$@"
}
