# Reads the trace of one process of a start, from strace -ff -y, up to the exec of another program.
# Prints the steps that it shows, in the words of `entrypoint --dry-run --format json`: the step's name
# and, in short, its detail. A change that is not a step is printed as "unplanned".
#
#   awk -v bounding=cap_chown,cap_kill,... -v prefix=/usr/local/kong [-v has_begun=1] -f steps.awk TRACE
#
# `bounding` is the bounding set at the start. `has_begun` says that the trace does not begin with an
# exec, like that of a child. When root looks at files with another user's rights for a while, that is no
# step; a step during that time is printed as "unplanned".

# Capabilities as strace writes them: "1<<CAP_NET_RAW|1<<CAP_KILL", "0".
function names(text) {
  gsub(/1<</, "", text)
  gsub(/\|/, ",", text)
  return text == "0" ? "none" : tolower(text)
}

function field(name) {
  match($0, name "=[^,})]*")
  return substr($0, RSTART + length(name) + 1, RLENGTH - length(name) - 1)
}

# Several calls make one step: collect them until another call follows.
function flush(    count, all, i, kept) {
  if (dropped != "") {
    count = split(bounding, all, ",")
    for (i = 1; i <= count; i++) {
      if (index(dropped, "," all[i] ",") == 0) kept = kept (kept == "" ? "" : ",") all[i]
    }
    print "drop-bounding all" (kept == "" ? "" : " but " kept)
  }
  if (raised != "") print "raise-ambient " raised
  if (groups != "") print "set-groups" groups
  dropped = raised = groups = ""
}

function step(text) {
  flush()
  print (is_looking ? "unplanned, with the rights of another user: " : "") text
  has_changed = 1
  last = text
}

# A step of many calls, of which the first counts, or a step that does not change the credentials.
function once(text, had_changed) {
  had_changed = has_changed
  if (last != text) step(text)
  has_changed = had_changed
}

# Whether a path, of a descriptor or an argument, is the prefix or lies in it.
function is_in_prefix(path) {
  return path == prefix || index(path, prefix "/") == 1
}

# The last argument before the closing bracket.
function last_argument(text) {
  sub(/\) += .*/, "", text)
  sub(/.*[ (]/, "", text)
  return text
}

function path_of_descriptor(text) {
  sub(/^[^<]*</, "", text)
  sub(/>.*/, "", text)
  return text
}

/^\+\+\+|^---/ { next }
is_over { next }

/^execve\(/ && !has_begun { has_begun = 1; next }
/^execve\(/ {
  text = $0
  sub(/^execve\("[^"]*", \[/, "", text)
  sub(/\], .*/, "", text)
  gsub(/"/, "", text)
  gsub(/, /, " ", text)
  step("exec " text)
  is_over = / = 0$/
  next
}

/^prctl\(PR_CAPBSET_DROP, .* = 0$/ {
  dropped = (dropped == "" ? "," : dropped) tolower(last_argument($0)) ","
  has_changed = 1
  next
}
/^prctl\(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, .* = 0$/ {
  split($0, parts, ", ")
  raised = raised (raised == "" ? "" : ",") tolower(parts[3])
  has_changed = 1
  next
}
/^prctl\(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL.* = 0$/ { step("clear-ambient"); next }
/^prctl\(PR_SET_KEEPCAPS, 1.* = 0$/ { step("keep-capabilities"); next }
/^prctl\(PR_SET_PDEATHSIG, SIGKILL\) += 0$/ { step("end-with-parent"); next }
/^close_range\(3, 4294967295, 0\) += 0$/ { step("close-descriptors all above 2"); next }
/^prctl\(PR_SET_NO_NEW_PRIVS, 1.* = 0$/ { step("set-no-new-privs"); next }
/^prctl\(PR_(GET_|CAPBSET_READ|CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET)/ { next }
# Nobody may inspect this process, unless it is a supervisor without privileges. It adopts what a child leaves,
# as long as the child runs.
/^prctl\(PR_SET_(DUMPABLE, SUID_DUMP_(DISABLE|USER)|CHILD_SUBREAPER, [^)]*)\) += 0$/ { next }

/^setgroups\(.* = 0$/ {
  text = $0
  sub(/.*\[/, "", text)
  sub(/\].*/, "", text)
  gsub(/ /, "", text)
  flush()
  # The next call shows whether this is a step or the beginning of a look at files.
  groups = " " text
  next
}
/^setfsgid\(/ { groups = ""; next }
/^setfsuid\(-1\)/ { next }
/^setfsuid\(/ { is_looking = !is_looking; next }
/^setgid\(.* = 0$/ { step("set-group " last_argument($0)); next }
/^setuid\(.* = 0$/ { step("set-user " last_argument($0)); next }
# For a look with another user's rights, no capability is effective for a while. None is lost.
/^capset\(.* = 0$/ && is_looking && (permitted_before == "" || field("permitted") == permitted_before) \
    && (field("effective") == "0" || field("effective") == field("permitted")) {
  permitted_before = field("permitted")
  next
}
/^capset\(.* = 0$/ {
  step("set-capabilities permitted " names(field("permitted")) ", effective " \
    names(field("effective")) ", inheritable " names(field("inheritable")))
  next
}
/^fchown\([12]<.*, -1\) += 0$/ {
  split($0, parts, ", ")
  step("give-stream " (/^fchown\(1/ ? "stdout" : "stderr") " " parts[2])
  next
}
/^fsetxattr\(.*"security.capability".* = 0$/ {
  once("set-file-capabilities " path_of_descriptor($0))
  next
}
/^fremovexattr\(.*"security.capability".* = 0$/ {
  once("remove-file-capabilities " path_of_descriptor($0))
  next
}

# By its descriptor, never by a name.
/^fchownat\([0-9].*, "", [0-9]+, [0-9]+, AT_EMPTY_PATH\) += 0$/ {
  split($0, parts, ", ")
  if (is_in_prefix(path_of_descriptor($0))) once("give-prefix " parts[3] ":" parts[4])
  else step("unplanned " $0)
  next
}
# It opens the directory of the pid file to look for it.
/^openat\(AT_FDCWD[^"]*"[^"]*\/pids", .*O_DIRECTORY/ {
  split($0, parts, "\"")
  if (parts[2] == prefix "/pids") once("remove-stale-pid")
  next
}
/^unlinkat\([0-9].*, "nginx\.pid", 0\)/ && last == "remove-stale-pid" && path_of_descriptor($0) == prefix "/pids" {
  next
}
# It opens the prefix by name to look for sockets, and connects to each.
/^openat\(AT_FDCWD[^"]*"[^"]*\/\.", .*O_DIRECTORY/ {
  split($0, parts, "\"")
  if (parts[2] == prefix "/.") once("remove-stale-sockets")
  next
}
/^socket\(AF_UNIX, / && last == "remove-stale-sockets" { next }
/^unlinkat\([0-9].*, "[^\/]*", 0\)/ && last == "remove-stale-sockets" && is_in_prefix(path_of_descriptor($0)) {
  next
}
/^mkdir\("|^(symlink|rename|unlink)at\(.*\.log\.entrypoint"/ {
  split($0, parts, "\"")
  if (parts[2] == prefix "/logs" || $0 ~ "<" prefix "/logs>, \"\\.(admin_)?(access|error)\\.log\\.entrypoint\"") {
    once("link-logs")
    next
  }
}

# It binds each port, to see whether it is taken; it would change something if it listened.
/^socket\(AF_INET6?, SOCK_STREAM/ { next }

# The credentials are also read before any change; that is not the last look before exec.
/^openat\(.*\/proc\/thread-self\/status"/ && has_changed { step("verify"); next }

/^prctl\(|^set(re|res)?[ug]id\(|^setgroups\(|^capset\(|chown(at)?2?\(|chmod(at)?2?\(|xattr(at)?\(/ {
  if ($0 !~ /^[fl]?(get|list)xattr/) step("unplanned " $0)
  next
}
/^(mount|umount2|unshare|setns|unlink(at)?|rename(at2?)?|mkdir(at)?|rmdir|link(at)?|symlink(at)?|socket|listen|seccomp|personality|ptrace)\(/ {
  step("unplanned " $0)
}

END { flush() }
