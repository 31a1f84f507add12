# shellcheck shell=bash disable=SC2154,SC2034
# Everything that a release must pass, and what came out of it. Sourced by ./lossmith.

rows=() passed=0 failed=0 skipped=0 second_jdk=''

# count REPORT...: sums up JUnit reports (Surefire and ctest write the same attributes) into
# counted_passed, counted_failed and counted_skipped.
count() {
  local report suite tests bad not_run
  counted_passed=0 counted_failed=0 counted_skipped=0
  for report in "$@"; do
    [[ -f $report ]] || continue
    suite=$(tr '\n\t' '  ' <"$report" | grep -oE '<testsuite [^>]*>' | head -n 1)
    tests=$(attribute "$suite" tests)
    bad=$(($(attribute "$suite" failures) + $(attribute "$suite" errors)))
    not_run=$(($(attribute "$suite" skipped) + $(attribute "$suite" disabled)))
    ((counted_failed += bad, counted_skipped += not_run, counted_passed += tests - bad - not_run))
  done
}

attribute() {
  local value
  value=$(sed -nE "s/.* $2=\"([0-9]+)\".*/\1/p" <<<"$1")
  echo "${value:-0}"
}

# row NAME RESULT TIME TEXT: a line of the closing table.
row() { rows+=("$(printf '%-34s %-7s %6s  %s' "$@")"); }

counts() {
  printf '%d passed, %d failed, %d skipped' "$counted_passed" "$counted_failed" "$counted_skipped"
}

# record NAME EXIT-CODE REPORT...: adds a step to the sums and the table. A step that fails without
# a failed test (a compiler error, a format violation) counts as one failure, one that has no tests
# of its own as one pass.
record() {
  local name=$1 rc=$2 result=ok
  shift 2
  count "$@"
  ((rc == 0 && counted_passed + counted_failed + counted_skipped == 0)) && counted_passed=1
  ((rc != 0 && counted_failed == 0)) && counted_failed=1
  ((counted_failed > 0)) && result=FAILED
  ((passed += counted_passed, failed += counted_failed, skipped += counted_skipped))
  row "$name" "$result" "$(clock "$step_seconds")" "$(counts)"
}

record_skipped() { # record_skipped NAME REASON
  ((skipped += 1))
  row "$1" skipped - "$2"
  say "${yellow}skipped${plain}  $1: $2"
}

check_format() {
  local tool name='Java format'
  run_step "$name" "$logs/java-format.log" mvn -B -fae -Pbench,gpu spotless:check
  record "$name" $?
  name='C++ format'
  tool=$(clang_format) || { record_skipped "$name" 'needs clang-format 14' && return; }
  run_step "$name" "$logs/format.log" \
    find include native tests -name target -prune -o -type f \
    '(' -name '*.h' -o -name '*.cpp' -o -name '*.cc' -o -name '*.cu' -o -name '*.cuh' ')' \
    -exec "$tool" --dry-run -Werror '{}' +
  record "$name" $?
}

check_launcher() {
  run_step 'Launcher' "$logs/launcher.log" bash tests/launcher/launcher_test.sh
  record 'Launcher' $? tests/launcher/target/launcher.xml
}

# Both native builds, which take up half of what Maven does: first those, then the rest.
check_cuda_build() {
  local name='Build with CUDA'
  if [[ -z $nvcc ]]; then
    record_skipped "$name" "no nvcc of CUDA $need_cuda or newer"
    return
  fi
  name+=" $nvcc_version"
  run_step "$name" "$logs/cuda.log" mvn -B -Pgpu -pl java/lossmith initialize
  record "$name" $?
}

# Maven builds all modules and runs all their tests, those behind a failed one too; so Maven's exit
# code says little, but whatever goes wrong is an [ERROR] line in its log. The format is checked
# apart: a violation would keep all modules behind it from being tested.
maven_verify() {
  mvn -B -fae -Pbench "${gpu_profile[@]}" -Dspotless.check.skip=true \
    -Dmaven.test.failure.ignore=true "$@" verify &&
    ! grep -q '^\[ERROR\]' "$logs/verify.log"
}

check_maven() {
  local name="Maven verify, JDK $java_major" rc folder options=()
  find java tests -path '*/target/*-reports*/*.xml' -delete
  find_second_jdk && options+=("-Dlossmith.secondJdk=$second_jdk")
  run_step "$name" "$logs/verify.log" maven_verify "${options[@]}"
  rc=$?
  record "$name" $rc java/*/target/*-reports/*.xml tests/*/target/*-reports/*.xml
  for folder in java/lossmith java/lossmith-cli tests/native tests/java tests/packaging; do
    count "$folder"/target/*-reports/*.xml
    row "  $folder" '' '' "$(counts)"
  done
  step_seconds='' # parts of the step above
  count tests/java/target/*-reports-simulated/*.xml
  record 'Java suite, simulated GPU' $((counted_passed > 0 && counted_skipped == 0 ? 0 : 1)) \
    tests/java/target/*-reports-simulated/*.xml
  check_gpu
  if [[ -z $second_jdk ]]; then
    record_skipped 'Java suite, second JDK' 'no JDK 25 in /usr/lib/jvm and JAVA25_HOME is not set'
  else
    count tests/java/target/*-reports-second-jdk/*.xml
    record "Java suite, JDK $(jdk_major "$second_jdk")" \
      $((counted_passed > 0 ? 0 : 1)) tests/java/target/*-reports-second-jdk/*.xml
  fi
  if ((rc == 0)); then
    mark_built library.stamp "$cli_jar" "${library_sources[@]}"
    mark_built bench.stamp "$bench_jar" "${bench_sources[@]}"
  fi
}

# The tests tagged gpu are part of the Java suite; where there is no device each class says why.
check_gpu() {
  local reports=(tests/java/target/surefire-reports/*Cuda*.xml) reason
  count "${reports[@]}"
  reason=$(sed -nE 's/.*<skipped message="([^"]*)".*/\1/p' "${reports[@]}" | head -n 1)
  if [[ -n $reason ]]; then
    row 'Java suite, GPU' skipped '' "${reason//&#10;/ }"
  else
    row 'Java suite, GPU' "$( ((counted_failed)) && echo FAILED || echo ok)" '' "$(counts)"
  fi
}

# The library promises to run on every JDK from 17 on: its tests run on the newest one too.
find_second_jdk() {
  local candidate
  second_jdk=''
  for candidate in "${JAVA25_HOME-}" /usr/lib/jvm/*25*; do
    if [[ -n $candidate && $(jdk_major "${candidate%/}") == 25 && $java_major != 25 ]]; then
      second_jdk=${candidate%/}
      export JAVA25_HOME=$second_jdk
      return 0
    fi
  done
  return 1
}

# The native tests once more with AddressSanitizer and UndefinedBehaviorSanitizer in library and
# tests. Maven has unpacked the oneDNN that they are built against.
sanitized_tests() (
  cd tests/native || exit 1
  cmake --preset sanitize && cmake --build --preset sanitize &&
    ctest --preset sanitize --output-junit "$PWD/target/sanitize/junit.xml"
)

check_sanitizers() {
  local name='Native tests, ASan and UBSan' report=tests/native/target/sanitize/junit.xml
  rm -f "$report"
  run_step "$name" "$logs/sanitize.log" sanitized_tests
  record "$name" $? "$report"
}

run_tests() {
  local logs=$state/logs start=$SECONDS
  cd "$root" || exit 1
  shopt -s nullglob
  find_nvcc
  set_up check_build_tools check_fonts check_test_tools check_bench_tools
  check_launcher
  check_format
  check_cuda_build
  check_maven
  check_sanitizers
  say ''
  printf '%-34s %-7s %6s  %s\n' step result time tests
  printf '%s\n' "${rows[@]}"
  printf 'total time %s, logs in %s\n\n' "$(clock $((SECONDS - start)))" "$logs"
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  ((failed == 0))
}
