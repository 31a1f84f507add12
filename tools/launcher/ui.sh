# shellcheck shell=bash disable=SC2154,SC2034
# Messages, and long steps with a live status line. Sourced by ./lossmith.

say() { printf '%s\n' "$*" >&2; }

live=false
[[ -t 2 && ${TERM:-dumb} != dumb && -z ${CI-} ]] && live=true
bold='' green='' red='' yellow='' plain=''
if $live && [[ -z ${NO_COLOR-} ]]; then
  bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' yellow=$'\e[33m' plain=$'\e[0m'
fi

fail() {
  printf '%slossmith: %s%s\n' "$red" "$1" "$plain" >&2
  shift
  for line in "$@"; do say "$line"; done
  exit 1
}

# 75 -> 1:15; nothing -> -
clock() { if [[ -n $1 ]]; then printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); else printf -- -; fi; }

# The most telling recent line of a Maven, CMake or apt log, as a few words.
activity() {
  tail -n 40 "$1" 2>/dev/null | sed -nE \
    -e 's/\x1b\[[0-9;]*m//g' \
    -e 's#.*(Downloading|Downloaded) from [^:]*: [^ ]*/([^/ ]+)( .*)?$#downloading \2#p' \
    -e 's/^\[INFO\] Building (.*[^ ]) +\[([0-9/]+)\]$/\1 (\2)/p' \
    -e 's/^\[INFO\] --- [^ ]*:([a-z-]+) \(.*\) @ ([^ ]+) ---$/\2: \1/p' \
    -e 's/^(\[INFO\] )?(\[[0-9]+\/[0-9]+\] .*)/\2/p' \
    -e 's/^(\[INFO\] Running|Get:[0-9]+|Unpacking|Setting up) (.*)/\1 \2/p' \
    -e 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+).*/\1/p' | tail -n 1
}

# The lines of a log that say why it failed: the first errors, or else its end.
why_failed() {
  local noise='\[ERROR\] *$|re-run Maven|Re-run Maven|For more information|\[Help 1\] http'
  noise+='|resume the build|mvn <args>|^--$'
  local errors='\[ERROR\]|[Ee]rror:|CMake Error|FAILED|\*\*\*Failed|undefined reference|^E: '
  local found
  found=$(sed 's/\x1b\[[0-9;]*m//g' "$1" | grep -A 3 -E "$errors" | grep -vE "$noise" | grep -v '^ *$' |
    head -n 30 | cut -c 1-220)
  [[ -n $found ]] || found=$(tail -n 25 "$1" | cut -c 1-220)
  printf '%s\n' "$found"
}

# Ends a process and all that it has started. (A process group of its own would be simpler, but a
# shell with job control stops at once when it is started in the background of a terminal.)
end_tree() {
  local child
  for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do end_tree "$child"; done
  kill "$1" 2>/dev/null
}

step_pid=
stop_step() {
  [[ -n $step_pid ]] && end_tree "$step_pid"
  $live && printf '\r\e[K' >&2
  say 'lossmith: interrupted'
  exit 130
}

# run_step TITLE LOG COMMAND...: runs a long command with its output in LOG, showing the elapsed
# time and what it is at; when it fails, the lines that say why. Returns the command's status.
step_seconds=0
run_step() {
  local title=$1 log=$2 start=$SECONDS rc beat=0 doing
  shift 2
  mkdir -p "$(dirname "$log")"
  : >"$log"
  $live || say "==> $title"
  "$@" >"$log" 2>&1 </dev/null &
  step_pid=$!
  trap stop_step INT TERM
  while kill -0 "$step_pid" 2>/dev/null; do
    sleep 0.2
    doing=$((SECONDS - start))
    if $live; then
      printf '\r\e[K%s%s%s  %s  %s' "$bold" "$title" "$plain" "$(clock $doing)" \
        "$(activity "$log" | cut -c 1-$((${COLUMNS:-80} - ${#title} - 12)))" >&2
    elif ((doing - beat >= 30)); then
      beat=$doing
      say "    $(clock $doing)  $(activity "$log" | cut -c 1-100)"
    fi
  done
  wait "$step_pid"
  rc=$?
  step_pid=
  trap - INT TERM
  step_seconds=$((SECONDS - start))
  $live && printf '\r\e[K' >&2
  if ((rc == 0)); then
    say "${green}ok${plain}  $title ($(clock $step_seconds))"
  else
    say "${red}FAILED${plain}  $title ($(clock $step_seconds), exit code $rc)"
    why_failed "$log" | sed 's/^/    /' >&2
    say "    the whole log: $log"
  fi
  return $rc
}
