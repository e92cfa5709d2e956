-- The `kong` command, run by nginx. It reads what the script left in its directory, executes the command, and
-- ends nginx with its exit status.
local shell = require("stand_in.shell")
local settings = require("stand_in.settings")
local prefix = require("stand_in.prefix")
local configuration = require("stand_in.configuration")
local database = require("stand_in.database")
local misbehave = require("stand_in.misbehaviour")

local function say(...) io.stdout:write(string.format(...), "\n") end

-- The value of an option, or nil.
local function option(arguments, short, long)
  for index, word in ipairs(arguments) do
    if word == short or word == long then
      return arguments[index + 1] or shell.fail("option '%s' needs a value", word)
    end
  end
end

local function load_settings(invocation)
  local arguments = invocation.arguments
  return settings.load(invocation.environment, {
    conf = option(arguments, "-c", "--conf"),
    prefix = option(arguments, "-p", "--prefix"),
  })
end

-- The other commands use the settings of the last prepare.
local function load_prepared(invocation)
  local conf = load_settings(invocation)
  settings.read_conf(conf.prefix .. "/.kong_env")
  return conf
end

-- The process in the pid file, whichever it is, if this user may signal it.
local function running(conf)
  local file = io.open(conf.prefix .. "/pids/nginx.pid")
  local number = file and file:read("*n")
  if file then file:close() end
  if number and shell.run("kill -0 %s", string.format("%d", number)) == 0 then
    return string.format("%d", number)
  end
end

local function signal(conf, name)
  local process = running(conf) or shell.fail("nginx not running in prefix: %s", conf.prefix)
  shell.run("kill -s %s %s", name, process)
end

-- Whether nginx has ended within these seconds.
local function ends_within(conf, seconds)
  for _ = 1, seconds * 20 do
    if not running(conf) then return true end
    shell.run("sleep 0.05")
  end
end

-- Ends with `nginx -t`, which binds every listener.
local function prepare(invocation)
  local conf = load_settings(invocation)
  prefix.make(conf)
  prefix.record(conf, invocation)
  misbehave(conf, invocation.environment.STAND_IN_PREPARE)
  shell.run("%s -v", invocation.nginx)
  database.check(conf)
  prefix.fill(conf)
  configuration.write(conf, invocation.environment, option(invocation.arguments, nil, "--nginx-conf"))
  local status, output = shell.run("cat /proc/self/status >%s; exec %s -t -p %s -c nginx.conf",
    conf.prefix .. "/stand-in.nginx.status", invocation.nginx, conf.prefix)
  if status ~= 0 then
    shell.fail("could not prepare Kong prefix at %s: nginx configuration is invalid (exit code %d):\n%s",
      conf.prefix, status, output)
  end
  prefix.write_environment(conf)
end

local commands = {}

commands.prepare = prepare

function commands.start(invocation)
  local conf = load_settings(invocation)
  if running(conf) then shell.fail("Kong is already running in %s", conf.prefix) end
  prepare(invocation)
  if shell.pass("%s -p %s -c nginx.conf", invocation.nginx, conf.prefix) ~= 0 then
    shell.fail("failed to start nginx")
  end
  say("Kong started")
end

function commands.reload(invocation)
  local conf = load_prepared(invocation)
  if not running(conf) then shell.fail("nginx not running in prefix: %s", conf.prefix) end
  prepare(invocation)
  signal(conf, "HUP")
  say("Kong reloaded")
end

function commands.restart(invocation)
  local conf = load_settings(invocation)
  if running(conf) then
    signal(conf, "TERM")
    ends_within(conf, 10)
  end
  commands.start(invocation)
end

function commands.stop(invocation)
  signal(load_prepared(invocation), "TERM")
  say("Kong stopped")
end

function commands.quit(invocation)
  local conf = load_prepared(invocation)
  signal(conf, "QUIT")
  if ends_within(conf, tonumber(option(invocation.arguments, "-t", "--timeout") or 10)) then
    say("Kong stopped (gracefully)")
  else
    signal(conf, "TERM")
    say("Timeout, Kong stopped forcefully")
  end
end

function commands.health(invocation)
  local conf = load_settings(invocation)
  if shell.exists(conf.prefix .. "/.kong_env") then
    load_prepared(invocation)
    say("nginx.......%s\n", running(conf) and "running" or "not running")
  end
  if not running(conf) then shell.fail("Kong is not running at %s", conf.prefix) end
  say("Kong is healthy at %s", conf.prefix)
end

function commands.check(invocation)
  local path = invocation.arguments[1] or "/etc/kong/kong.conf"
  invocation.arguments = { "-c", path }
  load_settings(invocation)
  say("configuration at %s is valid", path)
end

function commands.version() say("stand-in for Kong 3.9") end

function commands.environment(invocation) io.stdout:write(shell.read(invocation.directory .. "/environ")) end

function commands.migrations(invocation)
  local conf = load_settings(invocation)
  if database.is_used(conf) then
    database.migrate(conf, invocation.arguments[1])
  else
    say("%s", table.concat({ "migrations", unpack(invocation.arguments) }, "\n"))
  end
end

local function read_invocation(directory, nginx)
  local invocation = { directory = directory, nginx = nginx, arguments = {}, environment = {} }
  for word in shell.read(directory .. "/argv"):gmatch("([^%z]*)%z") do
    table.insert(invocation.arguments, word)
  end
  for name, value in shell.read(directory .. "/environ"):gmatch("([^%z=]+)=([^%z]*)") do
    invocation.environment[name] = value
  end
  return invocation
end

return function(directory, nginx)
  shell.directory = directory
  local invocation = read_invocation(directory, nginx)
  local name = table.remove(invocation.arguments, 1) or "help"
  local command = commands[name] or shell.fail("No such command: %s", name)
  local ended, trace = xpcall(command, debug.traceback, invocation)
  if not ended then shell.fail("%s", trace) end
  os.exit(0)
end
