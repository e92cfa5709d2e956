-- How STAND_IN_PREPARE changes a prepare:
--
--   exit:N           fails with status N, and writes no configuration
--   daemon           leaves a process in a session of its own, and continues as usual
--   hang             never ends by itself; signals act as on any process
--   ignore           never ends by itself, and ignores TERM, INT, QUIT and HUP
--   forward-report   waits for one of these signals, writes its name to stand-in.signal, exits with 0
--
-- The last three never continue, and write stand-in.waiting as soon as they are ready for a signal.
local shell = require("stand_in.shell")

local scripts = {
  hang = [[echo $$ >stand-in.waiting; exec sleep infinity]],
  ignore = [[trap '' TERM INT QUIT HUP; echo $$ >stand-in.waiting; exec sleep infinity]],
  ["forward-report"] = [[
    sleep infinity &
    caught() { echo "$1" >stand-in.signal; kill -s KILL "$!"; exit 0; }
    for signal in TERM INT QUIT HUP; do trap "caught $signal" "$signal"; done
    echo $$ >stand-in.waiting
    wait "$!"]],
}

return function(conf, behaviour)
  if not behaviour or behaviour == "" then return end
  if behaviour == "daemon" then
    shell.pass("setsid sleep infinity >/dev/null 2>&1 &")
    return
  end
  local status = behaviour:match("^exit:(%d+)$")
  if status then
    io.stderr:write("Error: the stand-in was told to fail\n")
    os.exit(tonumber(status))
  end
  local script = scripts[behaviour] or shell.fail("STAND_IN_PREPARE=%s is unknown", behaviour)
  os.exit(shell.pass("cd %s; " .. script, conf.prefix))
end
