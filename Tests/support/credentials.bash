# shellcheck shell=bash
# Sourced: the credentials of a process, from the kernel, in the form of a plan's `result`.

# status_of PROCESS FIELD
status_of() {
  sed -n "s/^$2:[[:blank:]]*//p" "/proc/$1/status" | tr '\t' ' '
}

# credentials PROCESS: prints them in the form of the plan's `result`, with the ids of the container's user
# namespace.
credentials() {
  local process=$1
  jq --null-input --compact-output --sort-keys \
    --argjson uid "$(one_id "$process" Uid)" --argjson gid "$(one_id "$process" Gid)" \
    --arg groups "$(status_of "$process" Groups)" \
    --arg permitted "$(names_of "$process" CapPrm)" --arg effective "$(names_of "$process" CapEff)" \
    --arg inheritable "$(names_of "$process" CapInh)" --arg ambient "$(names_of "$process" CapAmb)" \
    --arg bounding "$(names_of "$process" CapBnd)" \
    --argjson no_new_privs "$(status_of "$process" NoNewPrivs)" \
    --argjson secure_execution "$(secure_execution "$process")" \
    --argjson first "$(awk 'NR == 1 { print $2 }' "/proc/$process/uid_map")" '
      def inside: if type == "number" then . - $first else map(. - $first) end;
      def names: split(",") | map(select(. != ""));
      { uid: ($uid | inside), gid: ($gid | inside),
        groups: ($groups | [scan("[0-9]+") | tonumber] | inside),
        permitted: ($permitted | names), effective: ($effective | names),
        inheritable: ($inheritable | names), ambient: ($ambient | names), bounding: ($bounding | names),
        no_new_privs: ($no_new_privs == 1), secure_execution: ($secure_execution == 1) }'
}

# one_id PROCESS Uid|Gid: the id, or all four if real, effective, saved and file system id differ.
one_id() {
  status_of "$1" "$2" | tr ' ' '\n' | jq --slurp --compact-output 'unique | if length == 1 then .[0] else . end'
}

# names_of PROCESS FIELD: the names of a capability set, separated by commas.
names_of() {
  capsh --decode="$(status_of "$1" "$2")" | sed 's/^[^=]*=//'
}

# AT_SECURE, entry 23 of the auxiliary vector: 1 if the exec gained something. See getauxval(3).
secure_execution() {
  od --address-radix=n --format=u8 --width=16 --output-duplicates "/proc/$1/auxv" |
    awk '$1 == 23 { print $2 }'
}
