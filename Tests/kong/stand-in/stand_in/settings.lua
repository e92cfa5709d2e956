-- The settings: the environment, then kong.conf, then defaults; vault references are resolved.
local shell = require("stand_in.shell")
local listeners = require("stand_in.listeners")

-- The options of 3.9.3. It ignores any other KONG_*_LISTEN, and keys of kong.conf that are not lower case.
local defaults = {
  prefix = "/usr/local/kong",
  role = "traditional",
  database = "postgres",
  log_level = "notice",
  nginx_main_daemon = "on",
  nginx_main_worker_processes = "auto",
  proxy_listen = "0.0.0.0:8000 reuseport backlog=16384, 0.0.0.0:8443 http2 ssl reuseport backlog=16384",
  admin_listen = "127.0.0.1:8001 reuseport backlog=16384, 127.0.0.1:8444 http2 ssl reuseport backlog=16384",
  admin_gui_listen = "0.0.0.0:8002, 0.0.0.0:8445 ssl",
  status_listen = "127.0.0.1:8007 reuseport backlog=16384",
  cluster_listen = "0.0.0.0:8005",
  stream_listen = "off",
}

local choices = {
  { "role", "data_plane", "control_plane", "traditional" },
  { "log_level", "debug", "info", "notice", "warn", "error", "crit", "alert", "emerg" },
}

-- Older names of settings that add to nginx's main block.
local renamed = {
  nginx_daemon = "nginx_main_daemon",
  nginx_user = "nginx_main_user",
  nginx_worker_processes = "nginx_main_worker_processes",
}

local function trim(text) return text:match("^%s*(.-)%s*$") end

-- Lines "key = value" before the first [section]. "#" begins a comment, "\#" does not; a "\" at the end
-- continues the line.
local function read_conf(path)
  local found, file = {}, io.open(path)
  if not file then
    shell.fail(shell.exists(path) and "could not load config file: %s: Permission denied" or "no file at: %s", path)
  end
  local text = file:read("*a"):gsub("\\\r?\n", ""):gsub("\\#", "\1"):gsub("#[^\n]*", ""):gsub("\1", "#")
  file:close()
  for line in text:gmatch("[^\n]+") do
    if line:match("^%s*%[") then break end
    local key, value = line:match("^%s*([%w_]+)%s*=(.*)$")
    if key then found[key] = trim(value) end
  end
  return found
end

-- The value of {vault://env/my-name}: MY_NAME of the environment, or nothing.
local function resolve(value, environment)
  local name = value:match("^{vault://env/([%w_-]+)}$")
  return name and (environment[name:upper():gsub("-", "_")] or "") or value
end

-- A variable's value includes a "#"; Kong 1.x cuts it there.
local function read_environment(environment)
  local found = {}
  local is_old = (environment.STAND_IN_KONG or ""):match("^1%.")
  for name, value in pairs(environment) do
    local key = name:match("^KONG_([%u%d_]+)$")
    if key then found[key:lower()] = trim(is_old and value:gsub("#.*", "") or value) end
  end
  return found, is_old
end

local settings = { read_conf = read_conf }

local function parse_listeners(conf, environment, is_old)
  for _, name in ipairs({ "proxy", "admin", "admin_gui", "status", "cluster", "stream" }) do
    local setting = name .. "_listen"
    local entries = listeners.split(conf[setting])
    for index, entry in ipairs(entries) do entries[index] = resolve(entry, environment) end
    local list, reason = listeners.parse(entries, name == "stream" and "stream" or "http", is_old)
    conf[name .. "_listeners"] = list or shell.fail("%s %s", setting, reason)
  end
end

local function check(conf)
  for _, choice in ipairs(choices) do
    local name, value = choice[1], conf[choice[1]]
    local allowed = { unpack(choice, 2) }
    if not table.concat(allowed, " "):find("%f[%w_]" .. value:gsub("%W", "%%%0") .. "%f[^%w_]") then
      shell.fail("%s has an invalid value: '%s' (%s)", name, value, table.concat(allowed, ", "))
    end
  end
  if conf.role ~= "traditional" and not (conf.cluster_cert and conf.cluster_cert_key) then
    shell.fail("cluster certificate and key must be provided to use Hybrid mode")
  end
  for _, name in ipairs({ "ssl_cert", "cluster_cert" }) do settings.check_certificate(conf, name) end
end

-- A certificate may be written into the setting itself.
function settings.check_certificate(conf, name)
  local path = conf[name]
  if path and not path:match("^%-%-%-%-%-BEGIN") and not io.open(path) then
    shell.fail("%s: failed loading certificate from %s", name, path)
  end
end

-- A control plane has no HTTP proxy, a data plane no administration; the GUI needs the Admin API.
local function apply_role(conf)
  if conf.role == "control_plane" then conf.proxy_listeners = {} else conf.cluster_listeners = {} end
  if conf.role == "data_plane" then conf.admin_listeners = {} end
  if #conf.admin_listeners == 0 then conf.admin_gui_listeners = {} end
end

-- OPTIONS: conf and prefix from the command line.
function settings.load(environment, options)
  local path = options.conf
  for _, candidate in ipairs({ "/etc/kong/kong.conf", "/etc/kong.conf" }) do
    if not path and shell.exists(candidate) then path = candidate end
  end
  local conf = setmetatable({}, { __index = defaults })
  local own, is_old = read_environment(environment)
  for _, source in ipairs({ path and read_conf(path) or {}, own, { prefix = options.prefix } }) do
    for key, value in pairs(source) do
      conf[renamed[key] or key] = value
    end
  end
  for key, value in pairs(conf) do
    value = key:match("_listen$") and value or resolve(value, environment)
    conf[key] = (value ~= "" or key:match("_listen$")) and value or nil
  end
  conf.prefix = shell.absolute(conf.prefix)
  parse_listeners(conf, environment, is_old)
  check(conf)
  apply_role(conf)
  return conf
end

return settings
