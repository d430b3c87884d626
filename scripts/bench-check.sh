#!/bin/sh
# Looks at what the bench was given before minutes of building begin: bench-check.sh <baseline> <runs> <sections>
set -u

wrong=0
fault() {
    [ "$wrong" -gt 0 ] || echo 'The bench cannot begin:' >&2
    wrong=1
    printf '  - %s\n' "$1" >&2
}

[ -z "$1" ] || [ -x "$1" ] || fault "BASELINE=$1 is no program: give the path of an earlier build of the function"
case $2 in
    '') ;;
    *[!0-9]* | 0* | ????*) fault "RUNS=$2 is no number from 1 to 999" ;;
esac
for section in $(echo "$3" | tr ',' ' '); do
    case $section in
        cold | warm | delay | sizes | pause | stored | sweep | load) ;;
        *) fault "ONLY=$section is no section: there are cold, warm, delay, sizes, pause, stored, sweep, load" ;;
    esac
done
[ -r /proc/self/schedstat ] || echo 'Processor time and memory are told on Linux only; those rows will be missing.' >&2
exit "$wrong"
