# shellcheck shell=bash disable=SC2154,SC2034
# Finds the tools that a command needs and installs the missing ones. Sourced by ./lossmith.

# Oldest versions that work.
readonly need_java=17 need_maven=3.8.1 need_cmake=3.25 need_cuda=13.0

problems=() packages=() hints=()

lacks() { # lacks WHAT PACKAGE [HINT]: notes a missing tool, and what to do if apt has none
  problems+=("$1")
  [[ -n $2 ]] && packages+=("$2")
  [[ -n ${3-} ]] && hints+=("$3")
}

at_least() { [[ $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

# The major version of the JDK at $1 (nothing if there is no usable JDK): from its release file,
# which takes no JVM start, else from javac.
jdk_major() {
  [[ -x $1/bin/javac && -x $1/bin/java ]] || return 0
  local number
  number=$(sed -n 's/^JAVA_VERSION="\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' "$1/release" 2>/dev/null)
  [[ -n $number ]] || number=$("$1/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
  printf '%s' "$number"
}

# Sets java_home and java_major: JAVA_HOME where it will do, else the JDK on the PATH, else the
# newest one under /usr/lib/jvm.
find_jdk() {
  local home candidate on_path='' number best=0
  java_home='' java_major=0
  if command -v javac >/dev/null; then
    on_path=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
  fi
  for candidate in "${JAVA_HOME-}" "$on_path" /usr/lib/jvm/*; do
    [[ -n $candidate ]] || continue
    home=${candidate%/}
    number=$(jdk_major "$home")
    [[ ${number:-0} -ge $need_java ]] || continue
    if [[ $candidate == "${JAVA_HOME-}" || $candidate == "$on_path" ]]; then
      java_home=$home java_major=$number
      break
    fi
    ((number > best)) && best=$number java_home=$home java_major=$number
  done
  [[ -n $java_home ]] || return 1
  if [[ -n ${JAVA_HOME-} && ${JAVA_HOME%/} != "$java_home" ]]; then
    say "lossmith: JAVA_HOME=$JAVA_HOME is no JDK $need_java or newer with javac; using $java_home"
  fi
  export JAVA_HOME=$java_home
}

# Sets nvcc to the compiler of CUDA $need_cuda or newer, which CMake then takes from CUDACXX. Nothing
# asks for one: without it, or with LOSSMITH_NO_CUDA, the library is built for the CPU only.
find_nvcc() {
  local candidate number
  nvcc='' gpu_profile=()
  [[ -z ${LOSSMITH_NO_CUDA-} ]] || return 1
  for candidate in "${CUDACXX-}" nvcc "${CUDA_HOME:+$CUDA_HOME/bin/nvcc}" /usr/local/cuda/bin/nvcc; do
    candidate=$(command -v "$candidate") || continue
    number=$("$candidate" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\).*/\1/p')
    at_least $need_cuda "${number:-0}" || continue
    nvcc=$candidate nvcc_version=$number gpu_profile=(-Pgpu)
    export CUDACXX=$nvcc
    return 0
  done
  return 1
}

# The newest long-term JDK that this distribution packages, at least 17.
jdk_package() {
  local number
  for number in 21 17 25; do
    if apt-cache show "openjdk-$number-jdk-headless" >/dev/null 2>&1; then
      echo "openjdk-$number-jdk-headless"
      return
    fi
  done
  echo openjdk-17-jdk-headless
}

check_build_tools() {
  local found
  find_jdk || lacks "a JDK, $need_java or newer, with javac" "$(jdk_package)" \
    "No JDK $need_java here: install any OpenJDK $need_java or newer and set JAVA_HOME to it."

  if ! command -v mvn >/dev/null; then
    lacks "Maven $need_maven or newer" maven
  elif [[ -n $java_home ]]; then
    found=$(mvn -v 2>/dev/null | sed -nE 's/.*Apache Maven ([0-9.]+).*/\1/p' | head -n 1)
    at_least $need_maven "${found:-0}" || lacks "Maven $need_maven or newer (found ${found:-none})" \
      maven "Unpack a newer Maven and put its bin folder first on the PATH."
  fi

  local cmake_hint="This distribution's own CMake is older than $need_cmake (Ubuntu 22.04 has 3.22).
Any of these gives a newer one:  pip install --user cmake  (then have ~/.local/bin on the PATH),
snap install cmake --classic,  or the APT repository of Kitware."
  found=$(cmake --version 2>/dev/null | sed -n 's/^cmake version \([0-9.]*\).*/\1/p')
  if [[ -z $found ]]; then
    lacks "CMake $need_cmake or newer" cmake
  elif ! at_least $need_cmake "$found"; then
    lacks "CMake $need_cmake or newer (found $found)" cmake "$cmake_hint"
  fi

  command -v ninja >/dev/null || lacks Ninja ninja-build
  if ! command -v g++ >/dev/null; then
    lacks 'g++' g++
    lacks 'Highway (hwy/highway.h)' libhwy-dev
  else
    check_header Highway hwy/highway.h libhwy-dev
  fi
}

check_header() { # check_header NAME HEADER PACKAGE
  local probe="#if !__has_include(<$2>)"$'\n#error\n#endif'
  if ! g++ -std=c++17 -fsyntax-only -x c++ - <<<"$probe" 2>/dev/null; then lacks "$1 ($2)" "$3"; fi
}

# Plots need the system's font libraries, which the headless JDK of a distribution only recommends;
# other JDKs bring all but the first.
check_fonts() {
  local known
  known=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null)
  [[ $known == *libfontconfig.so.1* ]] || lacks 'fonts for plots (libfontconfig)' libfontconfig1
  no_font_library "$known" libfreetype.so.6 && lacks 'fonts for plots (libfreetype)' libfreetype6
  no_font_library "$known" libharfbuzz.so.0 && lacks 'fonts for plots (libharfbuzz)' libharfbuzz0b
}

no_font_library() { # no_font_library KNOWN NAME
  [[ $1 != *$2* ]] && { [[ -z $java_home ]] ||
    ldd "$java_home/lib/libfontmanager.so" 2>/dev/null | grep -q "$2 => not found"; }
}

# Other versions of clang-format break lines elsewhere, so only version 14 may judge.
clang_format() {
  local tool
  for tool in clang-format-14 clang-format; do
    [[ $("$tool" --version 2>/dev/null) == *' version 14.'* ]] && echo "$tool" && return 0
  done
  return 1
}

check_test_tools() {
  # Distributions after Debian 12 and Ubuntu 24.04 have no version 14 any more; then the check of
  # the format is left out.
  if ! clang_format >/dev/null && command -v apt-cache >/dev/null &&
    { apt-cache show clang-format-14 || ! apt-cache show bash; } >/dev/null 2>&1; then
    lacks 'clang-format 14' clang-format-14
  fi
  command -v readelf >/dev/null || lacks readelf binutils
  check_header GoogleTest gtest/gtest.h libgtest-dev
  check_header DLPack dlpack/dlpack.h libdlpack-dev
  check_header Boost.Context boost/context/fiber.hpp libboost-context-dev
}

check_bench_tools() { check_header 'Google Benchmark' benchmark/benchmark.h libbenchmark-dev; }

look() { # look CHECK...: runs the checks afresh
  problems=() packages=() hints=()
  local check
  for check in "$@"; do "$check"; done
}

# set_up CHECK...: makes sure that everything the checks ask for is here, or stops with exit code 1
# and the line that would install it.
set_up() {
  [[ $(uname -sm) == 'Linux x86_64' ]] ||
    fail "needs Linux on x86-64; this machine is $(uname -sm)"
  look "$@"
  ((${#problems[@]})) || return 0

  local as_root=() line
  ((EUID == 0)) || as_root=(sudo -n)
  if [[ -z ${LOSSMITH_NO_INSTALL-} ]] && command -v apt-get >/dev/null &&
    { ((EUID == 0)) || sudo -n true 2>/dev/null; }; then
    say "Missing here: $(join "${problems[@]}"). Installing through apt-get."
    run_step 'Reading the package lists' "$state/logs/apt-update.log" \
      "${as_root[@]}" apt-get update
    look "$@" # with the lists at hand the choice of packages may be another
    say "    apt-get install ${packages[*]}"
    run_step "Installing ${#packages[@]} packages" "$state/logs/apt-install.log" \
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends "${packages[@]}" ||
      fail 'could not install the missing packages (see above)'
    hash -r
    look "$@"
    ((${#problems[@]})) || return 0
    fail "still missing: $(join "${problems[@]}")" "${hints[@]}"
  fi

  line="sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}"
  fail "missing here: $(join "${problems[@]}")" 'This line installs it (Debian, Ubuntu):' "  $line" \
    "${hints[@]}"
}

join() {
  local text=$1
  shift
  for item in "$@"; do text+=", $item"; done
  printf '%s' "$text"
}
